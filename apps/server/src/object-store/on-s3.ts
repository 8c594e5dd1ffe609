import { S3ServiceException } from "@aws-sdk/client-s3";
import { ObjectStorageError, type ObjectStorageErrorCode } from "./object-storage-error.ts";

/** By the service's own code; HEAD answers have none and are told by their status. Everything else may pass: `unavailable`. */
const meanings: Readonly<Record<string, ObjectStorageErrorCode>> = {
  NoSuchKey: "not-found",
  NotFound: "not-found",
  InvalidRange: "bad-range",
  QuotaExceeded: "full",
  XMinioStorageFull: "full",
  AccessDenied: "denied",
  InvalidAccessKeyId: "denied",
  SignatureDoesNotMatch: "denied",
  NoSuchBucket: "denied",
  BadDigest: "wrong-hash",
  XAmzContentSHA256Mismatch: "wrong-hash",
};

const statusMeanings: Readonly<Record<number, ObjectStorageErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not-found",
  416: "bad-range",
  507: "full",
};

/** Runs `action` against an S3 service; its failure becomes an `ObjectStorageError` about `what`. */
export async function onS3<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof ObjectStorageError) throw error;
    const code = s3Code(error);
    const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
    const meaning = meanings[code] ?? statusMeanings[status ?? 0] ?? "unavailable";
    throw new ObjectStorageError(meaning, sentence(meaning, what, code), { cause: error });
  }
}

/** The service's code for an error (`NoSuchKey`), or the name of whatever else was thrown. */
export function s3Code(error: unknown): string {
  return error instanceof Error ? error.name : "unknown error";
}

function sentence(meaning: ObjectStorageErrorCode, what: string, code: string): string {
  if (meaning === "not-found") return `There is no ${what}`;
  return `The S3 service failed at ${what} (${code})`;
}
