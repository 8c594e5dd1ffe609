import { createHash } from "node:crypto";
import type { ListObjectsV2CommandOutput, S3Client } from "@aws-sdk/client-s3";
import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectKind, ObjectName } from "../../format/object-name.ts";
import { rangeLength, tooShort } from "../../store/byte-range.ts";
import { collectBytes } from "../../store/collect-bytes.ts";
import { requireExactPart } from "../../store/content-range.ts";
import { hashedName, idFromFileName, layoutPath, splitName } from "../../store/layout.ts";
import type { ByteRange, ObjectStore, StoredObject } from "../../store/object-store.ts";
import { type Paced, pacedParts } from "../../store/pace.ts";
import { sameBytes } from "../../store/same-bytes.ts";
import { stallTimeoutDefaultMs } from "../../store/stall-watch.ts";
import { s3Answer, s3Error } from "./s3-errors.ts";
import { sendAtPace, signWithContentHash } from "./s3-upload.ts";

export interface S3StoreOptions {
  /** `https://host:port`; AWS's own for the region unless told. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** Folders inside the bucket, with or without slashes around; empty for the bucket's root. */
  readonly prefix: string;
  /** The SDK looks where every AWS program does (environment, profile, instance role) unless told. */
  readonly credentials?: S3Credentials | undefined;
  /** `host/bucket/key` instead of `bucket.host/key`: true with an endpoint of one's own unless told. */
  readonly pathStyle?: boolean | undefined;
  /** The authority that the endpoint's certificate is checked against instead of the system's, PEM. */
  readonly certificateAuthority?: string | undefined;
  /** A request that does not move for so long is cancelled. */
  readonly stallTimeoutMs?: number | undefined;
  /** Objects a page of a listing; the server's own choice, usually 1000, unless told. */
  readonly listPageObjects?: number | undefined;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

type Sdk = typeof import("@aws-sdk/client-s3");

/** What one request needs. */
interface Call {
  readonly sdk: Sdk;
  readonly client: S3Client;
  readonly options: { readonly abortSignal?: AbortSignal };
}

/**
 * A repository in a bucket, laid out as restic does it. Uploads carry their SHA-256, which for all but the config is their name: a server
 * that checks it can't keep damaged bytes. The SDK is loaded at the first use, and never tries again by itself: `withRetry` does.
 */
export function s3Store(options: S3StoreOptions): ObjectStore {
  const Bucket = options.bucket;
  const prefix = folderPrefix(options.prefix);
  const label = `s3:${options.endpoint ?? "https://s3.amazonaws.com"}/${Bucket}/${prefix}`.replace(/\/+$/, "");
  const connect = lazily(() => connectTo(options));
  const keyOf = (name: ObjectName) => prefix + layoutPath(name);

  /** Runs one request: every error becomes one of ours, and what stalls ends. */
  async function request<Result>(
    action: string,
    signal: AbortSignal | undefined,
    run: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const connection = await connect();
    try {
      return await run({ ...connection, options: signal === undefined ? {} : { abortSignal: signal } });
    } catch (error) {
      signal?.throwIfAborted();
      throw s3Error(error, action);
    }
  }

  async function create({ signal }: Abortable = {}): Promise<void> {
    await request(`Creating a repository in ${label}`, signal, async ({ sdk, client, options: sendOptions }) => {
      if (await mayExist({ sdk, client, options: sendOptions }, Bucket)) return;
      try {
        await client.send(new sdk.CreateBucketCommand({ Bucket }), sendOptions);
      } catch (error) {
        if (s3Answer(error).name !== "BucketAlreadyOwnedByYou") throw error;
      }
    });
  }

  async function put(name: ObjectName, bytes: Uint8Array, { signal, pace }: Paced = {}): Promise<void> {
    const sha256 = sha256Of(name, bytes);
    const upload = (exclusive: boolean) =>
      request(`Storing ${name} in ${label}`, signal, async ({ sdk, client, options: sendOptions }) => {
        const command = new sdk.PutObjectCommand({
          Bucket,
          Key: keyOf(name),
          Body: bytes,
          ContentLength: bytes.length,
          ContentType: "application/octet-stream",
          ChecksumSHA256: Uint8Array.fromHex(sha256).toBase64(),
          ...(exclusive ? { IfNoneMatch: "*" } : {}),
        });
        signWithContentHash(command, sha256);
        sendAtPace(command, bytes, { signal, pace });
        await client.send(command, sendOptions);
      });
    if (name !== "config") return await upload(false);
    await putConfig(upload, bytes, signal);
  }

  /**
   * The server decides between two that come at the same moment. Some only say that they do, or don't know how, so what is there
   * afterwards is read: the one that was overwritten learns it.
   */
  async function putConfig(
    upload: (exclusive: boolean) => Promise<void>,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    try {
      await upload(true);
    } catch (error) {
      const status = error instanceof EngineError ? s3Answer(error.cause).status : undefined;
      if (status !== preconditionFailed && status !== notImplemented) throw error;
      if ((await presentConfig(signal)) === undefined) await upload(false);
    }
    // An init that is tried again after its answer was lost finds its own config.
    const present = await presentConfig(signal);
    if (present !== undefined && sameBytes(present, bytes)) return;
    throw new EngineError("already-exists", `There is already another repository in ${label}`);
  }

  async function presentConfig(signal: AbortSignal | undefined): Promise<Uint8Array | undefined> {
    try {
      return await get("config", { signal });
    } catch (error) {
      if (error instanceof EngineError && error.code === "not-found") return undefined;
      throw error;
    }
  }

  async function get(
    name: ObjectName,
    { signal, pace, range }: Paced & { readonly range?: ByteRange } = {},
  ): Promise<Uint8Array> {
    const objectLabel = `${name} in ${label}`;
    if (range !== undefined && rangeLength(range) === 0) return await getNothing(name, range, signal);
    return await request(`Reading ${objectLabel}`, signal, async ({ sdk, client, options: sendOptions }) => {
      const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`;
      const command = new sdk.GetObjectCommand({ Bucket, Key: keyOf(name), Range });
      const { Body, ContentLength, ContentRange } = await client.send(command, sendOptions);
      const stream = Body as (AsyncIterable<Uint8Array> & { destroy(): void }) | undefined;
      try {
        const expectedBytes = range === undefined ? ContentLength : rangeLength(range);
        if (range !== undefined) {
          requireExactPart({ contentRange: ContentRange, contentLength: ContentLength }, range, objectLabel);
        }
        const parts = pacedParts(stream ?? noParts(), { signal, pace });
        return await collectBytes(parts, { objectLabel: `Reading ${objectLabel}`, expectedBytes });
      } finally {
        stream?.destroy();
      }
    });
  }

  /** HTTP has no way to ask for no bytes. */
  async function getNothing(name: ObjectName, range: ByteRange, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const sizeBytes = await size(name, { signal });
    if (range.end > sizeBytes) throw tooShort(`${name} in ${label}`, range, sizeBytes);
    return new Uint8Array(0);
  }

  async function size(name: ObjectName, { signal }: Abortable = {}): Promise<number> {
    const action = `Looking for ${name} in ${label}`;
    return await request(action, signal, async ({ sdk, client, options: sendOptions }) => {
      const head = await client.send(new sdk.HeadObjectCommand({ Bucket, Key: keyOf(name) }), sendOptions);
      if (head.ContentLength !== undefined) return head.ContentLength;
      throw new EngineError("store-unavailable", `${action}: the server did not say its size`);
    });
  }

  async function* list(kind: ObjectKind, { signal }: Abortable = {}): AsyncGenerator<StoredObject> {
    let ContinuationToken: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await request(
        `Listing ${kind} in ${label}`,
        signal,
        async ({ sdk, client, options: sendOptions }) => {
          const input = { Bucket, Prefix: `${prefix}${kind}/`, ContinuationToken, MaxKeys: options.listPageObjects };
          return await client.send(new sdk.ListObjectsV2Command(input), sendOptions);
        },
      );
      for (const { Key = "", Size = 0 } of page.Contents ?? []) {
        const id = idFromFileName(Key.slice(Key.lastIndexOf("/") + 1));
        // What lies elsewhere under the prefix would not be found by its name either.
        if (id !== undefined && keyOf(hashedName(kind, id)) === Key) yield { id, sizeBytes: Size };
      }
      ContinuationToken = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (ContinuationToken !== undefined);
  }

  async function remove(name: ObjectName, { signal }: Abortable = {}): Promise<void> {
    await request(`Deleting ${name} in ${label}`, signal, async ({ sdk, client, options: sendOptions }) => {
      try {
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key: keyOf(name) }), sendOptions);
      } catch (error) {
        if (s3Answer(error).name !== "NoSuchKey") throw error;
      }
    });
  }

  return { label, create, put, get, size, list, delete: remove };
}

const preconditionFailed = 412;
const notImplemented = 501;

/** A host that does not take a connection in this time is not there. */
const connectTimeoutMs = 30_000;

async function connectTo(options: S3StoreOptions): Promise<{ sdk: Sdk; client: S3Client }> {
  const sdk = await import("@aws-sdk/client-s3");
  const ca = options.certificateAuthority;
  const client = new sdk.S3Client({
    region: options.region,
    maxAttempts: 1,
    followRegionRedirects: true,
    forcePathStyle: options.pathStyle ?? options.endpoint !== undefined,
    // Ours is the SHA-256; the SDK's additional CRC32 is unknown to many servers that speak S3.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      // Bytes that move either way start it again.
      socketTimeout: options.stallTimeoutMs ?? stallTimeoutDefaultMs,
      ...(ca === undefined ? {} : { httpsAgent: { ca, keepAlive: true } }),
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: definedOnly(options.credentials) }),
  });
  return { sdk, client };
}

function definedOnly({ accessKeyId, secretAccessKey, sessionToken }: S3Credentials) {
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
}

/** Makes it once, at the first use, for all; a failure is not kept. */
function lazily<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}

/** `a/b/` for `/a//b`; nothing for the bucket's root. */
function folderPrefix(path: string): string {
  const folders = path.split("/").filter((folder) => folder !== "");
  return folders.map((folder) => `${folder}/`).join("");
}

/** False only if the bucket is surely missing: a credential may be allowed to use it and not to look at it. */
async function mayExist({ sdk, client, options }: Call, Bucket: string): Promise<boolean> {
  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket }), options);
    return true;
  } catch (error) {
    const { status } = s3Answer(error);
    if (status === 404) return false;
    if (status === 403) return true;
    throw error;
  }
}

/** In hex. A hashed name is it already: the server refuses what does not match. */
function sha256Of(name: ObjectName, bytes: Uint8Array): string {
  return name === "config" ? createHash("sha256").update(bytes).digest("hex") : splitName(name).id;
}

async function* noParts(): AsyncGenerator<Uint8Array> {}
