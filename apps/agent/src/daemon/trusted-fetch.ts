import { Agent, fetch as undiciFetch } from "undici";
import { AgentError } from "../errors/agent-error.ts";

export interface TrustedFetch extends AsyncDisposable {
  /** `fetch`, as the global one, that talks only to holders of a certificate from the authority. */
  readonly fetch: typeof globalThis.fetch;
}

/**
 * A `fetch` that trusts one certificate authority (PEM) and no other: not those of the system either, so that nobody who can get a
 * certificate for the server's name from a public authority comes between. Redirects are the caller's business: they reject.
 */
export function trustedFetch(certificateAuthority: string): TrustedFetch {
  const dispatcher = new Agent({ connect: { ca: certificateAuthority }, allowH2: false });
  // undici's own types differ from the global ones in names only; both are the same code.
  const fetch = ((input: string | URL, init: RequestInit = {}) =>
    undiciFetch(input, { redirect: "error", ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch;
  return { fetch, [Symbol.asyncDispose]: async () => await dispatcher.destroy() };
}

/**
 * What a failed request to the server means. `server-untrusted` is said apart from `server-unavailable`: the first may be somebody who
 * pretends to be the server, and trying again does not help.
 */
export function explainFetchFailure(error: unknown, serverUrl: string): AgentError {
  const code = networkCodeOf(error);
  if (isUntrusted(error) && !outOfDateCodes.has(code ?? ""))
    return new AgentError("server-untrusted", `The server at ${serverUrl} could not prove who it is (${code})`, {
      cause: error,
      hint: "Its certificate is not from the one authority that this machine trusts for it. If the server was set up anew, enrol this machine again; otherwise somebody may be in between.",
    });
  if (code !== undefined && outOfDateCodes.has(code))
    return new AgentError(
      "server-untrusted",
      `The certificate of ${serverUrl} is not valid at this machine's time (${code})`,
      {
        cause: error,
        hint: "Check the clocks of both machines. The server renews its certificate when it starts.",
      },
    );
  return new AgentError(
    "server-unavailable",
    `The server at ${serverUrl} does not answer (${code ?? "no reason given"})`,
    {
      cause: error,
      hint: "Check that it runs and that the network lets this machine reach it.",
    },
  );
}

/** Whether a request failed because whoever answered could not prove to be who they should be. */
export function isUntrusted(error: unknown): boolean {
  const code = networkCodeOf(error) ?? "";
  return untrustedCodes.has(code) || outOfDateCodes.has(code);
}

const outOfDateCodes = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]);

/** OpenSSL's and Node's names for a certificate of somebody else. */
const untrustedCodes = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "CERT_REJECTED",
  "CERT_REVOKED",
  "INVALID_CA",
  "INVALID_PURPOSE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The code of the innermost cause that has one: `fetch` itself only says that it failed. */
function networkCodeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at;
    if (inner instanceof Error && "code" in inner && typeof inner.code === "string" && inner.code !== "")
      return inner.code;
  }
  return undefined;
}
