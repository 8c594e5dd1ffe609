import { EngineError } from "../errors/engine-error.ts";

/**
 * The error for a server that could not prove by its certificate who it is; undefined if a request failed for another reason. It is denied, not
 * unavailable: trying again does not help, and what answers may be somebody in between. `action` opens the message.
 */
export function untrustedServer(error: unknown, action: string): EngineError | undefined {
  const failure = certificateFailureOf(error);
  if (failure === undefined) return undefined;
  return new EngineError("store-denied", `${action}: the server's certificate is not to be trusted (${failure.code})`, {
    cause: error,
    hint: failure.isOutOfDate
      ? "It is not valid at this machine's time. Check the clocks of both machines, and whether the certificate was renewed."
      : "Check the address and the certificate authority that was given. Otherwise somebody may be in between.",
  });
}

/** Why a certificate proved nothing. */
export interface CertificateFailure {
  /** OpenSSL's or Node's name for it. */
  readonly code: string;
  /** It may be the right one, but not at this machine's time. */
  readonly isOutOfDate: boolean;
}

/**
 * What was wrong with the certificate of a server that a request did not get through to; undefined if it failed for another reason. `fetch`
 * itself only says that it failed: the reason is among its causes.
 */
export function certificateFailureOf(error: unknown): CertificateFailure | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (!("code" in at) || typeof at.code !== "string") continue;
    if (outOfDate.has(at.code)) return { code: at.code, isOutOfDate: true };
    if (ofSomebodyElse.has(at.code)) return { code: at.code, isOutOfDate: false };
  }
  return undefined;
}

/** Node manual, "X509 certificate error codes". */
const outOfDate: ReadonlySet<string> = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

const ofSomebodyElse: ReadonlySet<string> = new Set([
  "CERT_REJECTED",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);
