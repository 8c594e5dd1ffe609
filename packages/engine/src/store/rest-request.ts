import { EngineError } from "../errors/engine-error.ts";
import { type Paced, passAll } from "./pace.ts";
import { type StallWatch, watchStall } from "./stall-watch.ts";
import { untrustedServer } from "./untrusted-server.ts";

/** What of `fetch` is used; the global one fits. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The connection to one REST server: what is the same for all its requests. */
export interface RestConnection {
  readonly base: string;
  readonly fetch: Fetch;
  /** Sent with every request to the server itself, and to no other. */
  readonly credentials: Readonly<Record<string, string>>;
  readonly stallTimeoutMs: number;
  /** Whether `fetch` takes a stream as a body over HTTP/1.1, as Node's does: then the progress of an upload is seen. */
  readonly streamUploads: boolean;
}

export interface RestRequest extends Paced {
  readonly method: "GET" | "HEAD" | "POST" | "DELETE";
  /** Relative to the base. */
  readonly path: string;
  /** Opens every error's message: `Storing config in rest:https://…`. */
  readonly action: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** A gateway may send readers on to its bucket; more hops than this are a loop. */
const redirectsMax = 3;

/** Where an upload's progress can't be seen it is given the time that its bytes take on the slowest link worth having. */
const slowestUploadBytesPerSecond = 8 * 1024;

/** What a body's bytes are told and asked while they move. */
export interface Moving extends Paced {
  /** Something moved: without it the request is given up for dead. */
  readonly onProgress: () => void;
}

/**
 * Sends a request and hands the answer to `read`, which must use up its body or leave it; the stall watch covers both. Rejects with the
 * signal's reason when aborted, with `store-denied` when the server's certificate is not to be trusted, with `store-unavailable` when the
 * network failed.
 */
export async function exchange<Result>(
  connection: RestConnection,
  request: RestRequest,
  read: (response: Response, moving: Moving) => Promise<Result> | Result,
): Promise<Result> {
  request.signal?.throwIfAborted();
  if (request.body !== undefined && !connection.streamUploads) await passAll(request.body.length, request);
  using watch = watchStall(request.action, stallTimeoutOf(connection, request), request.signal);
  let response: Response | undefined;
  try {
    const moving = movingUnder(watch, request);
    response = await follow(connection, request, watch.signal, moving);
    watch.progress();
    return await read(response, moving);
  } catch (error) {
    request.signal?.throwIfAborted();
    if (error instanceof EngineError) throw error;
    const untrusted = untrustedServer(error, request.action);
    if (untrusted !== undefined) throw untrusted;
    throw new EngineError("store-unavailable", `${request.action}: ${reasonOf(error)}`, { cause: error });
  } finally {
    await discardBody(response);
  }
}

/** Waiting for the pace is no stall: many transfers under a low limit wait long for each other. */
function movingUnder(watch: StallWatch, { pace, signal }: RestRequest): Moving {
  const onProgress = watch.progress;
  if (pace === undefined) return { signal, onProgress };
  const watched: Moving["pace"] = async (wantedBytes, options) => {
    const allowed = await pace(wantedBytes, options);
    onProgress();
    return allowed;
  };
  return { signal, onProgress, pace: watched };
}

function stallTimeoutOf(connection: RestConnection, { body }: RestRequest): number {
  if (body === undefined || connection.streamUploads) return connection.stallTimeoutMs;
  return connection.stallTimeoutMs + (body.length / slowestUploadBytesPerSecond) * 1000;
}

async function follow(
  connection: RestConnection,
  request: RestRequest,
  signal: AbortSignal,
  moving: Moving,
): Promise<Response> {
  const base = new URL(connection.base);
  let url = new URL(request.path, base);
  for (let hops = 0; ; hops++) {
    const response = await connection.fetch(url.href, {
      method: request.method,
      headers: {
        ...request.headers,
        // Stored bytes are sealed: there is nothing to compress, and a length must be that of the object.
        "Accept-Encoding": "identity",
        ...(url.origin === base.origin ? connection.credentials : {}),
      },
      // Followed by hand: a credential must not reach another host.
      redirect: "manual",
      cache: "no-store",
      credentials: "omit",
      signal,
      ...(request.body === undefined ? {} : bodyOf(connection, request.body, moving)),
    });
    const target = redirectTarget(response, url);
    if (target === undefined) return response;
    await discardBody(response);
    refuseBadRedirect(request, url, target, hops);
    url = target;
  }
}

function redirectTarget(response: Response, from: URL): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(response.status)) return undefined;
  return URL.parse(response.headers.get("Location") ?? "", from) ?? undefined;
}

function refuseBadRedirect({ method, action }: RestRequest, from: URL, to: URL, hops: number): void {
  const elsewhere = `${action}: the server sends us on to ${to.origin}`;
  if (method !== "GET" && method !== "HEAD") {
    throw new EngineError("store-denied", `${elsewhere}, where nothing is written`, {
      hint: "Use the address that the server itself answers at.",
    });
  }
  if (hops >= redirectsMax) throw new EngineError("store-unavailable", `${elsewhere}, again and again`);
  if (to.protocol !== "https:" && to.protocol !== from.protocol) {
    throw new EngineError("store-denied", `${elsewhere}, which is not encrypted`);
  }
}

function bodyOf(connection: RestConnection, body: Uint8Array, moving: Moving): RequestInit {
  // `fetch` can't read shared memory, and the type checker wants to see that it does not.
  const bytes = body as Uint8Array<ArrayBuffer>;
  if (!connection.streamUploads || bytes.length === 0) return { body: bytes };
  // `duplex` is required with a stream, and missing in TypeScript's library.
  const streamed = { body: streamOf(bytes, moving), duplex: "half" as const };
  return streamed;
}

/** Parts as they are taken: small enough to see a slow link move, large enough to cost nothing. */
const uploadPartBytes = 64 * 1024;

function streamOf(
  bytes: Uint8Array<ArrayBuffer>,
  { pace, signal, onProgress }: Moving,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream(
    {
      async pull(controller) {
        onProgress();
        if (offset >= bytes.length) return controller.close();
        const wanted = Math.min(uploadPartBytes, bytes.length - offset);
        const allowed = pace === undefined ? wanted : await pace(wanted, { signal });
        controller.enqueue(bytes.subarray(offset, offset + allowed));
        offset += allowed;
      },
    },
    { highWaterMark: 0 },
  );
}

/** Frees the connection of an answer that nobody reads to its end. */
async function discardBody(response: Response | undefined): Promise<void> {
  if (response?.body === undefined || response.body === null || response.bodyUsed || response.body.locked) return;
  await response.body.cancel().catch(() => undefined);
}

/** `fetch` says only "fetch failed"; the reason is in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return error.message === "" ? error.name : error.message;
}
