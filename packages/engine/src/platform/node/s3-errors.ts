import type { S3ServiceException } from "@aws-sdk/client-s3";
import { EngineError, type EngineErrorCode } from "../../errors/engine-error.ts";
import { untrustedServer } from "../../store/untrusted-server.ts";

/** The name of an S3 error, such as `NoSuchKey`, and its HTTP status; both undefined where no server answered. */
export function s3Answer(error: unknown): { readonly name: string | undefined; readonly status: number | undefined } {
  if (!isServiceException(error)) return { name: error instanceof Error ? error.name : undefined, status: undefined };
  return { name: error.name, status: error.$metadata.httpStatusCode };
}

function isServiceException(error: unknown): error is S3ServiceException {
  return error instanceof Error && "$metadata" in error;
}

/** Errors that their names tell better than their status. */
const byName: Readonly<Record<string, { readonly code: EngineErrorCode; readonly hint?: string }>> = {
  NoSuchBucket: {
    code: "not-found",
    hint: "Check the bucket's name; init makes the bucket if the credential allows it.",
  },
  InvalidBucketName: { code: "invalid-input", hint: "The location is s3:https://endpoint/bucket/prefix." },
  PermanentRedirect: { code: "invalid-input", hint: "The bucket is in another region: set AWS_DEFAULT_REGION." },
  AuthorizationHeaderMalformed: {
    code: "invalid-input",
    hint: "The bucket is in another region: set AWS_DEFAULT_REGION.",
  },
  RequestTimeTooSkewed: { code: "store-denied", hint: "This machine's clock is wrong: set it." },
  ExpiredToken: { code: "store-denied", hint: "The session token has expired: get a new one." },
  CredentialsProviderError: {
    code: "store-denied",
    hint: "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
  },
  InvalidObjectState: { code: "unsupported", hint: "The object is archived: have the bucket bring it back first." },
  InvalidRange: { code: "corrupt-data" },
  BadDigest: { code: "corrupt-data" },
  InvalidDigest: { code: "corrupt-data" },
  XAmzContentSHA256Mismatch: { code: "corrupt-data" },
  XAmzContentChecksumMismatch: { code: "corrupt-data" },
  QuotaExceeded: { code: "store-full", hint: "Free space there, or raise the quota." },
  XMinioStorageFull: { code: "store-full", hint: "Free space there." },
  RequestTimeout: { code: "store-unavailable" },
};

/** What an error of the SDK means. `action` opens the message: `Storing config in s3:https://host/bucket`. */
export function s3Error(error: unknown, action: string): EngineError {
  if (error instanceof EngineError) return error;
  const untrusted = untrustedServer(error, action);
  if (untrusted !== undefined) return untrusted;
  const { name, status } = s3Answer(error);
  const known = name === undefined ? undefined : byName[name];
  const code = known?.code ?? codeOfStatus(status);
  const hint =
    known?.hint ?? (code === "store-denied" ? "Check the access key, its secret and what it may do." : undefined);
  return new EngineError(code, `${action}: ${reasonOf(error, name, status)}`, {
    cause: error,
    hint,
  });
}

function codeOfStatus(status: number | undefined): EngineErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "store-denied";
    case 404:
      return "not-found";
    case 416:
      return "corrupt-data";
    case 501:
      return "unsupported";
    case 507:
      return "store-full";
    case undefined:
    default:
      // 5xx, SlowDown, and connections that broke: all may pass.
      return "store-unavailable";
  }
}

function reasonOf(error: unknown, name: string | undefined, status: number | undefined): string {
  const message = error instanceof Error ? error.message : String(error);
  if (status === undefined)
    return [message, name, "no answer"].find((words) => words !== undefined && words !== "") ?? "";
  // Answers to HEAD have no body, and so no words but those that the SDK makes up.
  const words = [name, message].filter((text) => text !== undefined && text !== "" && !text.startsWith("Unknown"));
  return [`the server answered ${status}`, ...new Set(words)].join(", ");
}
