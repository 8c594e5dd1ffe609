import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { Readable } from "node:stream";
import { checkedBody, hashOf } from "./checked-body.ts";
import { type HashedKind, type HashedName, type ObjectName, isObjectHash, labelOf, layoutPath } from "./object-name.ts";
import { ObjectStorageError, isObjectStorageError } from "./object-storage-error.ts";
import type {
  ByteRange,
  ListedObject,
  ObjectFacts,
  ObjectStorage,
  OpenedObject,
  RangeRequest,
  UploadResult,
  UploadTerms,
} from "./object-storage.ts";
import { onS3, s3Code } from "./on-s3.ts";
import { resolveRange } from "./resolve-range.ts";
import { signWithContentHash } from "./s3-content-hash.ts";

export interface S3StorageConfig {
  /** For anything but AWS itself: the service's address. */
  readonly endpoint?: string | undefined;
  readonly bucket: string;
  /** A folder of the bucket, without slashes at its ends; absent: the bucket's root. */
  readonly prefix?: string | undefined;
  readonly region: string;
  /** Absent: the SDK finds them where AWS machines have them (environment, instance role). */
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  /** The bucket in the path instead of the host name: what most services besides AWS want. */
  readonly pathStyle: boolean;
}

/** A service that doesn't take a connection for this long is down. */
const connectTimeoutMs = 10_000;
/** Silence on a connection; less than the five minutes after which restic gives a request up, so that our answer reaches it. */
const silenceMaxMs = 120_000;
/** For each process: many agents at five requests each, and well below what services allow one client. */
const connectionsMax = 128;
/** `config` is some 150 bytes and is sent whole, so that a service without conditional writes can be asked a second time. */
const configMaxBytes = 1024 * 1024;
/** The SDK would print warnings about errors that it throws anyway. */
const silence = (): void => undefined;

/** Objects in a bucket, in restic's own layout: `<prefix>/<repository>/data/ab/ab…`. The bucket must be there. */
export function s3Storage(config: S3StorageConfig): ObjectStorage {
  return new S3Storage(config);
}

class S3Storage implements ObjectStorage {
  readonly label: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor(config: S3StorageConfig) {
    const { accessKeyId, secretAccessKey } = config;
    this.#bucket = config.bucket;
    this.#prefix = (config.prefix ?? "").replace(/^\/+|\/+$/g, "");
    this.label = `bucket ${config.bucket}${this.#prefix === "" ? "" : `/${this.#prefix}`} at ${config.endpoint ?? "AWS"}`;
    this.#client = new S3Client({
      region: config.region,
      forcePathStyle: config.pathStyle,
      logger: { debug: silence, info: silence, warn: silence, error: silence },
      // The SDK's own CRC32 would be sent as a trailer, which not every service reads. Ours is SHA-256 in the signed headers.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: {
        connectionTimeout: connectTimeoutMs,
        socketTimeout: silenceMaxMs,
        httpAgent: { maxSockets: connectionsMax },
        httpsAgent: { maxSockets: connectionsMax },
      },
      ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
      ...(accessKeyId === undefined || secretAccessKey === undefined
        ? {}
        : { credentials: { accessKeyId, secretAccessKey } }),
    });
    signWithContentHash(this.#client);
  }

  /** A bucket has no folders to make. */
  async createRepository(): Promise<void> {}

  async put(
    repositoryId: string,
    object: ObjectName,
    body: AsyncIterable<Uint8Array>,
    terms: UploadTerms,
  ): Promise<UploadResult> {
    if (terms.sha256 === undefined) return await this.#putConfig(repositoryId, object, body, terms);
    const checked = checkedBody(object, body, terms);
    await this.#send(repositoryId, object, checked, terms.sizeBytes, terms.sha256);
    return { outcome: "stored", sha256: hashOf(checked) };
  }

  /**
   * Streams a body whose hash is known beforehand. Two uploads at once both write, but only ever the same bytes: the hash is checked here
   * before the last of them is sent, and again by services that verify what was signed.
   */
  async #send(
    repositoryId: string,
    object: ObjectName,
    body: AsyncIterable<Uint8Array>,
    sizeBytes: number,
    sha256: string,
  ): Promise<void> {
    const abort = new AbortController();
    const source = Readable.from(body, { objectMode: false });
    let bodyError: unknown;
    // The SDK pipes the body and never hears of its failure: without this the request would wait for bytes that don't come.
    source.on("error", (error) => {
      bodyError = error;
      abort.abort();
    });
    try {
      await onS3(labelOf(object), () =>
        this.#client.send(
          new PutObjectCommand({
            ...this.#locate(repositoryId, object),
            Body: source,
            ContentLength: sizeBytes,
            ContentType: "application/octet-stream",
            ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64"),
          }),
          { abortSignal: abort.signal },
        ),
      );
    } catch (error) {
      throw bodyError ?? error;
    } finally {
      source.destroy();
    }
  }

  async #putConfig(
    repositoryId: string,
    object: ObjectName,
    body: AsyncIterable<Uint8Array>,
    terms: UploadTerms,
  ): Promise<UploadResult> {
    if (terms.sizeBytes > configMaxBytes)
      throw new ObjectStorageError("wrong-length", `A ${labelOf(object)} of ${terms.sizeBytes} bytes is too long`);
    const checked = checkedBody(object, body, terms);
    const chunks: Uint8Array[] = [];
    for await (const chunk of checked) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const sha256 = hashOf(checked);
    const put = async (condition: { readonly IfNoneMatch?: "*" }): Promise<void> => {
      await this.#client.send(
        new PutObjectCommand({
          ...this.#locate(repositoryId, object),
          ...condition,
          Body: bytes,
          ContentLength: bytes.length,
          ContentType: "application/octet-stream",
          ChecksumSHA256: Buffer.from(sha256, "hex").toString("base64"),
        }),
      );
    };
    // Asked first, because some services take the condition and ignore it.
    if ((await this.#statIfThere(repositoryId, object)) !== undefined) return { outcome: "exists", sha256 };
    return await onS3(labelOf(object), async () => {
      try {
        await put({ IfNoneMatch: "*" });
      } catch (error) {
        const code = s3Code(error);
        if (code === "PreconditionFailed" || code === "ConditionalRequestConflict")
          return { outcome: "exists", sha256 };
        if (code !== "NotImplemented") throw error;
        await put({});
      }
      return { outcome: "stored", sha256 };
    });
  }

  async get(repositoryId: string, object: ObjectName, request?: RangeRequest): Promise<OpenedObject> {
    // An empty object has no range, and a service says so with the same answer as for a range beyond the end.
    try {
      return await onS3(labelOf(object), async () => {
        const answer = await this.#client.send(
          new GetObjectCommand({
            ...this.#locate(repositoryId, object),
            ...(request === undefined ? {} : { Range: rangeHeader(request) }),
          }),
        );
        if (!(answer.Body instanceof Readable)) throw new TypeError("The S3 client gave no stream");
        const { sizeBytes, range } = rangeOf(answer.ContentRange, answer.ContentLength);
        return { ...factsOf(sizeBytes, answer.LastModified, labelOf(object)), range, stream: answer.Body };
      });
    } catch (error) {
      if (request === undefined || !isObjectStorageError(error, "bad-range")) throw error;
      const { sizeBytes } = await this.stat(repositoryId, object);
      resolveRange(request, sizeBytes);
      return await this.get(repositoryId, object);
    }
  }

  async stat(repositoryId: string, object: ObjectName): Promise<ObjectFacts> {
    return await onS3(labelOf(object), async () => {
      const answer = await this.#client.send(new HeadObjectCommand(this.#locate(repositoryId, object)));
      return factsOf(answer.ContentLength, answer.LastModified, labelOf(object));
    });
  }

  async *list(repositoryId: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
    yield* this.#list(`${kind}/ of the repository ${repositoryId}`, this.#key(repositoryId, ""), kind);
  }

  async *listQuarantine(repositoryId: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
    const what = `the quarantine of ${kind}/ of the repository ${repositoryId}`;
    yield* this.#list(what, this.#quarantineKey(repositoryId, ""), kind);
  }

  async *#list(what: string, root: string, kind: HashedKind): AsyncGenerator<readonly ListedObject[]> {
    let continuation: string | undefined;
    do {
      const page = await onS3(what, () =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${root}${kind}/`,
            ...(continuation === undefined ? {} : { ContinuationToken: continuation }),
          }),
        ),
      );
      const listed: ListedObject[] = [];
      for (const { Key: key = "", Size: size, LastModified: modified } of page.Contents ?? []) {
        const name = key.slice(key.lastIndexOf("/") + 1);
        if (!isObjectHash(name) || key !== root + layoutPath({ kind, name })) continue;
        listed.push({ name, ...factsOf(size, modified, key) });
      }
      continuation = page.NextContinuationToken;
      if (page.IsTruncated === true && continuation === undefined)
        throw new ObjectStorageError("unavailable", `The list of ${what} stopped before its end`);
      if (page.IsTruncated !== true) continuation = undefined;
      yield listed;
    } while (continuation !== undefined);
  }

  async delete(repositoryId: string, object: ObjectName): Promise<void> {
    await this.#deleteKey(object, this.#key(repositoryId, layoutPath(object)));
  }

  async quarantine(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined> {
    const path = layoutPath(object);
    const [key, quarantined] = [this.#key(repositoryId, path), this.#quarantineKey(repositoryId, path)];
    const found = await this.#statKey(object, key);
    if (found === undefined) return await this.#statKey(object, quarantined);
    const moved = await this.#copy(object, key, quarantined, found);
    await this.#deleteKey(object, key);
    return moved;
  }

  async bringBack(repositoryId: string, object: HashedName): Promise<ObjectFacts | undefined> {
    const path = layoutPath(object);
    const [key, quarantined] = [this.#key(repositoryId, path), this.#quarantineKey(repositoryId, path)];
    const [there, found] = [await this.#statKey(object, key), await this.#statKey(object, quarantined)];
    if (found === undefined) return there;
    const back = there ?? (await this.#copy(object, quarantined, key, found));
    await this.#deleteKey(object, quarantined);
    return back;
  }

  async purge(repositoryId: string, object: HashedName): Promise<void> {
    await this.#deleteKey(object, this.#quarantineKey(repositoryId, layoutPath(object)));
  }

  /** A PUT leaves nothing behind: an object is there whole or not at all. */
  async removeAbandonedUploads(): Promise<number> {
    return 0;
  }

  async health(): Promise<void> {
    await onS3(this.label, () => this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket })));
  }

  async #statIfThere(repositoryId: string, object: ObjectName): Promise<ObjectFacts | undefined> {
    return await this.#statKey(object, this.#key(repositoryId, layoutPath(object)));
  }

  async #statKey(object: ObjectName, key: string): Promise<ObjectFacts | undefined> {
    try {
      return await onS3(labelOf(object), async () => {
        const answer = await this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key }));
        return factsOf(answer.ContentLength, answer.LastModified, labelOf(object));
      });
    } catch (error) {
      if (isObjectStorageError(error, "not-found")) return undefined;
      throw error;
    }
  }

  /** Copies an object within the bucket, and makes sure that the copy is as long: then the original may go. */
  async #copy(object: ObjectName, from: string, to: string, { sizeBytes }: ObjectFacts): Promise<ObjectFacts> {
    const CopySource = encodeURI(`${this.#bucket}/${from}`);
    await onS3(labelOf(object), () =>
      this.#client.send(new CopyObjectCommand({ Bucket: this.#bucket, Key: to, CopySource })),
    );
    const copied = await this.#statKey(object, to);
    if (copied?.sizeBytes === sizeBytes) return copied;
    throw new ObjectStorageError("unavailable", `The S3 service made no whole copy of ${labelOf(object)}`);
  }

  async #deleteKey(object: ObjectName, key: string): Promise<void> {
    try {
      await onS3(labelOf(object), () => this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key })));
    } catch (error) {
      // AWS answers 204 for what is not there; some services 404.
      if (!isObjectStorageError(error, "not-found")) throw error;
    }
  }

  #locate(repositoryId: string, object: ObjectName): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#key(repositoryId, layoutPath(object)) };
  }

  #key(repositoryId: string, path: string): string {
    return this.#prefix === "" ? `${repositoryId}/${path}` : `${this.#prefix}/${repositoryId}/${path}`;
  }

  /** Beside the repositories, so that restic's own layout stays clean. No repository's id is called so. */
  #quarantineKey(repositoryId: string, path: string): string {
    return this.#key(`quarantine/${repositoryId}`, path);
  }
}

function rangeHeader(request: RangeRequest): string {
  if ("lastBytes" in request) return `bytes=-${request.lastBytes}`;
  return `bytes=${request.start}-${request.end === undefined ? "" : request.end - 1}`;
}

/** What an answer carries: by its Content-Range (206), or all (200). */
function rangeOf(
  contentRange: string | undefined,
  contentLength: number | undefined,
): { sizeBytes: number; range: ByteRange } {
  const parts = contentRange === undefined ? null : /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange);
  if (parts !== null)
    return { sizeBytes: Number(parts[3]), range: { start: Number(parts[1]), end: Number(parts[2]) + 1 } };
  if (contentLength === undefined) throw new ObjectStorageError("unavailable", "The answer has no length");
  return { sizeBytes: contentLength, range: { start: 0, end: contentLength } };
}

function factsOf(sizeBytes: number | undefined, storedAt: Date | undefined, label: string): ObjectFacts {
  if (sizeBytes === undefined || storedAt === undefined)
    throw new ObjectStorageError("unavailable", `The answer about ${label} has no size or no time`);
  return { sizeBytes, storedAt };
}
