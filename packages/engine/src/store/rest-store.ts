import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { mapConcurrent } from "../flow/map-concurrent.ts";
import { type ObjectKind, type ObjectName, objectName } from "../format/object-name.ts";
import { cutRange, rangeLength, tooShort } from "./byte-range.ts";
import { collectBytes } from "./collect-bytes.ts";
import { requireExactPart } from "./content-range.ts";
import type { ByteRange, ObjectStore, StoredObject } from "./object-store.ts";
import { type Paced, pacedParts } from "./pace.ts";
import { errorOfStatus, errorOfUpload, status } from "./rest-answer.ts";
import { listMaxBytes, type ListedObject, parseRestList } from "./rest-list.ts";
import { parseRestLocation } from "./rest-location.ts";
import { type Fetch, type RestConnection, type RestRequest, exchange } from "./rest-request.ts";
import { sameBytes } from "./same-bytes.ts";
import { stallTimeoutDefaultMs } from "./stall-watch.ts";

export interface RestStoreOptions {
  /** The repository's address, with or without a last slash. A credential in it goes into a header and is never shown. */
  readonly url: string;
  readonly fetch: Fetch;
  /** Added to every request to this server, for example an `Authorization`; they win over a credential in `url`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** For messages; the address without its credential unless told. */
  readonly label?: string | undefined;
  /** A request that does not move for so long is cancelled. */
  readonly stallTimeoutMs?: number | undefined;
  /** True where `fetch` takes a stream as a body over HTTP/1.1 (Node): a slow upload is then told from a dead one. */
  readonly streamUploads?: boolean | undefined;
}

/** Tells the server to list names with sizes (restic REST_backend.rst, version 2). */
const version2 = "application/vnd.x.restic.rest.v2";

/** Sizes asked at once where a server of version 1 lists names only; restic opens as many connections. */
const sizesAtOnce = 5;

/** A client of restic's REST protocol, version 2 with version 1's listings understood. Throws `invalid-input` for a bad address. */
export function restStore(options: RestStoreOptions): ObjectStore {
  const location = parseRestLocation(options.url);
  const label = options.label ?? location.label;
  const connection: RestConnection = {
    base: location.base,
    fetch: options.fetch,
    credentials: credentialHeaders(location.authorization, options.headers),
    stallTimeoutMs: options.stallTimeoutMs ?? stallTimeoutDefaultMs,
    streamUploads: options.streamUploads ?? false,
  };

  /** The request for an object: `verb` is for the messages. */
  const requestFor = (method: RestRequest["method"], verb: string, name: ObjectName, { signal, pace }: Paced) => ({
    method,
    path: name,
    action: `${verb} ${name} in ${label}`,
    headers: { Accept: version2 },
    signal,
    pace,
  });

  async function create({ signal }: Abortable = {}): Promise<void> {
    const action = `Creating a repository in ${label}`;
    const request: RestRequest = { method: "POST", path: "?create=true", action, signal };
    await exchange(connection, request, (response) => requireStatus(response, action, status.ok));
  }

  async function put(name: ObjectName, bytes: Uint8Array, options: Paced = {}): Promise<void> {
    const request = requestFor("POST", "Storing", name, options);
    const headers = {
      ...request.headers,
      "Content-Type": "application/octet-stream",
      ...(connection.streamUploads ? { "Content-Length": String(bytes.length) } : {}),
    };
    const refused = await exchange(connection, { ...request, headers, body: bytes }, (response) => {
      if (response.status === status.forbidden) return errorOfStatus(response.status, request.action);
      if (response.status !== status.ok) throw errorOfUpload(response.status, request.action);
      return undefined;
    });
    if (refused !== undefined) await acceptIfStored(name, bytes, refused, options);
  }

  /**
   * Servers answer 403 to an upload of what they have. That is success if the bytes are the same: an earlier answer of ours may have
   * been lost on the way.
   */
  async function acceptIfStored(
    name: ObjectName,
    bytes: Uint8Array,
    refused: EngineError,
    options: Abortable,
  ): Promise<void> {
    const present = await getIfPresent(name, options, refused);
    if (sameBytes(present, bytes)) return;
    if (name === "config") throw new EngineError("already-exists", `There is already a repository in ${label}`);
    throw new EngineError("already-exists", `There is already another ${name} in ${label}`);
  }

  async function getIfPresent(name: ObjectName, { signal }: Abortable, otherwise: EngineError) {
    try {
      return await get(name, { signal });
    } catch (error) {
      throw isEngineError(error, "not-found", "store-denied") ? otherwise : error;
    }
  }

  async function get(
    name: ObjectName,
    { range, ...options }: Paced & { readonly range?: ByteRange } = {},
  ): Promise<Uint8Array> {
    const request = requestFor("GET", "Reading", name, options);
    if (range !== undefined && rangeLength(range) === 0) return await getNothing(name, range, options.signal);
    const headers = {
      ...request.headers,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
    };
    return await exchange(connection, { ...request, headers }, async (response, moving) => {
      if (response.status === status.rangeNotSatisfiable && range !== undefined)
        throw tooShort(`${name} in ${label}`, range);
      const isPart = range !== undefined && response.status === status.partialContent;
      if (!isPart) requireStatus(response, request.action, status.ok);
      refuseEncoded(response, request.action);
      const expectedBytes = contentLength(response);
      if (isPart) {
        const contentRange = response.headers.get("Content-Range") ?? undefined;
        requireExactPart({ contentRange, contentLength: expectedBytes }, range, `${name} in ${label}`);
      }
      const body = await collectBytes(pacedParts(partsOf(response), moving), {
        objectLabel: request.action,
        expectedBytes: isPart ? rangeLength(range) : expectedBytes,
        onProgress: moving.onProgress,
      });
      // A server may ignore ranges (rest-server does for config) and send everything.
      return isPart || range === undefined ? body : cutRange(body, range, `${name} in ${label}`);
    });
  }

  /** HTTP has no way to ask for no bytes. */
  async function getNothing(name: ObjectName, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const sizeBytes = await size(name, { signal });
    if (range.end > sizeBytes) throw tooShort(`${name} in ${label}`, range, sizeBytes);
    return new Uint8Array(0);
  }

  async function size(name: ObjectName, { signal }: Abortable = {}): Promise<number> {
    const request = requestFor("HEAD", "Looking for", name, { signal });
    return await exchange(connection, request, (response) => {
      requireStatus(response, request.action, status.ok);
      const sizeBytes = contentLength(response);
      if (sizeBytes !== undefined) return sizeBytes;
      throw new EngineError("store-unavailable", `${request.action}: the server did not say its size`);
    });
  }

  async function* list(kind: ObjectKind, { signal }: Abortable = {}): AsyncGenerator<StoredObject> {
    const action = `Listing ${kind} in ${label}`;
    const request: RestRequest = { method: "GET", path: `${kind}/`, action, headers: { Accept: version2 }, signal };
    const listed = await exchange(connection, request, async (response, { onProgress }) => {
      if (response.status === status.notFound) return [];
      requireStatus(response, action, status.ok);
      refuseEncoded(response, action);
      const limits = {
        objectLabel: action,
        expectedBytes: contentLength(response),
        maxBytes: listMaxBytes,
        onProgress,
      };
      return parseRestList(await collectBytes(partsOf(response), limits), action);
    });
    const sized = mapConcurrent(listed, sizesAtOnce, (object) => withSize(kind, object, signal));
    for await (const object of sized) if (object !== undefined) yield object;
  }

  /** Undefined if the object has gone since it was listed. */
  async function withSize(
    kind: ObjectKind,
    { id, sizeBytes }: ListedObject,
    signal: AbortSignal | undefined,
  ): Promise<StoredObject | undefined> {
    if (sizeBytes !== undefined) return { id, sizeBytes };
    try {
      return { id, sizeBytes: await size(objectName(kind, id), { signal }) };
    } catch (error) {
      if (isEngineError(error, "not-found")) return undefined;
      throw error;
    }
  }

  async function remove(name: ObjectName, { signal }: Abortable = {}): Promise<void> {
    const request = requestFor("DELETE", "Deleting", name, { signal });
    await exchange(connection, request, (response) => {
      if (response.status !== status.notFound) requireStatus(response, request.action, status.ok);
    });
  }

  return { label, create, put, get, size, list, delete: remove };
}

/** Header names are compared without case, so that the caller's `authorization` replaces ours and is not sent beside it. */
function credentialHeaders(
  authorization: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const lowerCased = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { ...(authorization === undefined ? {} : { authorization }), ...Object.fromEntries(lowerCased) };
}

/** The protocol knows one success: 201 or 204 come from something else than a REST server. */
function requireStatus(response: Response, action: string, expected: number): void {
  if (response.status !== expected) throw errorOfStatus(response.status, action);
}

/** `fetch` would decode it, and no length would be true any more. */
function refuseEncoded(response: Response, action: string): void {
  const encoding = response.headers.get("Content-Encoding") ?? "identity";
  if (encoding === "identity") return;
  throw new EngineError("store-unavailable", `${action}: the answer came with Content-Encoding ${encoding}`, {
    hint: "A proxy before the server changes what it says: turn its compression off.",
  });
}

function contentLength(response: Response): number | undefined {
  const text = response.headers.get("Content-Length");
  if (text === null || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}

async function* partsOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // Stops what is still coming when the reader had enough; after the end it does nothing.
    await reader.cancel().catch(() => undefined);
  }
}
