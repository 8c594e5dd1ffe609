import { EngineError } from "../errors/engine-error.ts";

/**
 * The error for a server that could not prove by its certificate who it is; undefined if a request failed for another reason. It is denied, not
 * unavailable: trying again does not help, and what answers may be somebody in between. `action` opens the message.
 */
export function untrustedServer(error: unknown, action: string): EngineError | undefined {
  const code = certificateFailureOf(error);
  if (code === undefined) return undefined;
  return new EngineError("store-denied", `${action}: the server's certificate is not to be trusted (${code})`, {
    cause: error,
    hint: "Check the address, the certificate authority that was given, and both clocks. Otherwise somebody may be in between.",
  });
}

/** OpenSSL's and Node's names for a certificate that proves nothing, not or no longer. */
const certificateFailures: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
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

/** `fetch` itself only says that it failed: the reason is among its causes. */
function certificateFailureOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause)
    if ("code" in at && typeof at.code === "string" && certificateFailures.has(at.code)) return at.code;
  return undefined;
}
