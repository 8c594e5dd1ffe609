import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";

/** How the server is reached: over TLS, or as a proxy that ends TLS reaches it. */
export type Door =
  | { readonly kind: "tls"; readonly port: number; readonly secureContext: SecureContext }
  | { readonly kind: "proxied"; readonly port: number };

export interface LineAnswer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: unknown;
  /** From the moment the request was made to the last byte of its answer. */
  readonly ms: number;
}

export interface LineRequest {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly credential?: string | undefined;
  readonly body?: unknown;
}

/** As many as an agent keeps at most (`trusted-fetch.ts`): one waits in the heartbeat, another takes the reports. */
const connectionsMax = 8;

/** Longer than any answer may take: a request that hangs is one that failed. */
const timeoutMs = 60_000;

/** One context for all: what it takes is not the server's business. */
export function tlsDoor(port: number, certificateAuthority: string): Door {
  return { kind: "tls", port, secureContext: createSecureContext({ ca: certificateAuthority }) };
}

/**
 * The connections of one machine, kept and used again as an agent does, and on TLS opened again by the session that it has. Disposing of it breaks them
 * off.
 */
export class Line implements Disposable {
  readonly #door: Door;
  readonly #agent: HttpAgent;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(door: Door, address = "192.0.2.1") {
    this.#door = door;
    const options = { keepAlive: true, maxSockets: connectionsMax };
    this.#agent =
      door.kind === "tls" ? new HttpsAgent({ ...options, secureContext: door.secureContext }) : new HttpAgent(options);
    this.#headers = door.kind === "tls" ? {} : { "x-forwarded-for": address, "x-forwarded-proto": "https" };
  }

  /** Rejects if there is no answer; any answer resolves. */
  async send({ method, path, credential, body }: LineRequest): Promise<LineAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<LineAnswer>();
    const startedAt = performance.now();
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options = {
      host: "localhost",
      port: this.#door.port,
      agent: this.#agent,
      method,
      path,
      timeout: timeoutMs,
      headers: {
        accept: "application/json, application/problem+json",
        ...this.#headers,
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
        ...(text === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      },
    };
    const request = this.#door.kind === "tls" ? httpsRequest(options) : httpRequest(options);
    request.once("error", reject);
    request.once("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    request.once("response", (response) => {
      let answer = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (answer += chunk));
      response.once("error", reject);
      response.once("end", () => {
        const retryAfter = response.headers["retry-after"];
        resolve({
          status: response.statusCode ?? 0,
          retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
          body: answer === "" ? undefined : JSON.parse(answer),
          ms: performance.now() - startedAt,
        });
      });
    });
    request.end(text);
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
