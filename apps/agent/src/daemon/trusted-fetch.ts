import { Agent, fetch as undiciFetch } from "undici";
import { AgentError } from "../errors/agent-error.ts";

export interface TrustedFetch extends AsyncDisposable {
  /** `fetch`, as the global one, that talks only to holders of a certificate from an authority that is trusted. */
  readonly fetch: typeof globalThis.fetch;
}

/** Five transfers at a time, and what must not wait for them: a lock's renewal, a heartbeat. Without a limit, more are made than are used. */
const connectionsMax = 8;

/**
 * A `fetch` that trusts one certificate authority (PEM) and no other: not those of the system either, so that nobody who can get a
 * certificate for the server's name from a public authority comes between. Without one it trusts those of the system. Redirects are the
 * caller's business: they reject. Connections and TLS sessions are used again.
 */
export function trustedFetch(certificateAuthority?: string): TrustedFetch {
  const dispatcher = new Agent({
    connect: certificateAuthority === undefined ? {} : { ca: certificateAuthority },
    connections: connectionsMax,
    // No gain was measured over five kept connections, neither for small requests nor for 16 MiB uploads, on loopback or with 30 ms of delay;
    // and where a server leaves the window of a stream small, HTTP/2 waits for it on every long line.
    allowH2: false,
  });
  // undici's own types differ from the global ones in names only; both are the same code.
  const fetch = ((input: string | URL, init: RequestInit = {}) =>
    undiciFetch(input, { redirect: "error", ...(init as object), dispatcher })) as unknown as typeof globalThis.fetch;
  return { fetch, [Symbol.asyncDispose]: async () => await dispatcher.destroy() };
}

/**
 * What a failed request to the server means. `server-untrusted` is said apart from `server-unavailable`: the first may be somebody who
 * pretends to be the server, and trying again does not help.
 */
export async function explainFetchFailure(error: unknown, serverUrl: string): Promise<AgentError> {
  // Only now: the engine takes longer to load than the daemon's own code.
  const { certificateFailureOf } = await import("@saveos/engine");
  const failure = certificateFailureOf(error);
  if (failure === undefined)
    return new AgentError(
      "server-unavailable",
      `The server at ${serverUrl} does not answer (${networkCodeOf(error) ?? "no reason given"})`,
      {
        cause: error,
        hint: "Check that it runs and that the network lets this machine reach it.",
      },
    );
  if (failure.isOutOfDate)
    return new AgentError(
      "server-untrusted",
      `The certificate of ${serverUrl} is not valid at this machine's time (${failure.code})`,
      {
        cause: error,
        hint: "Check the clocks of both machines. The server renews its certificate when it starts.",
      },
    );
  return new AgentError("server-untrusted", `The server at ${serverUrl} could not prove who it is (${failure.code})`, {
    cause: error,
    hint: "Its certificate is not from the one authority that this machine trusts for it. If the server was set up anew, enrol this machine again; otherwise somebody may be in between.",
  });
}

/** The code of the innermost cause that has one: `fetch` itself only says that it failed. */
function networkCodeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at;
    if (inner instanceof Error && "code" in inner && typeof inner.code === "string" && inner.code !== "")
      return inner.code;
  }
  return undefined;
}
