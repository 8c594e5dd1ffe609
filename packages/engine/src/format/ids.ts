import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";

/** SHA-256 of a stored object's bytes, 64 lower-case hex digits: the name of a pack, index, snapshot, key or lock file. */
export type ObjectId = string & { readonly __brand: "ObjectId" };

/** SHA-256 of a blob's plaintext, 64 lower-case hex digits. */
export type BlobId = string & { readonly __brand: "BlobId" };

const idPattern = /^[0-9a-f]{64}$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** Throws `corrupt-data` unless `text` is 64 lower-case hex digits. */
export function parseObjectId(text: string): ObjectId {
  if (!isId(text)) throw new EngineError("corrupt-data", `Not an object id: ${JSON.stringify(text)}`);
  return text as ObjectId;
}

/** Throws `corrupt-data` unless `text` is 64 lower-case hex digits. */
export function parseBlobId(text: string): BlobId {
  if (!isId(text)) throw new EngineError("corrupt-data", `Not a blob id: ${JSON.stringify(text)}`);
  return text as BlobId;
}

/** `hash` has 32 bytes. */
export function objectIdFromBytes(hash: Uint8Array): ObjectId {
  return hexOfHash(hash) as ObjectId;
}

/** `hash` has 32 bytes. */
export function blobIdFromBytes(hash: Uint8Array): BlobId {
  return hexOfHash(hash) as BlobId;
}

function hexOfHash(hash: Uint8Array): string {
  invariant(hash.length === 32, "a SHA-256 has 32 bytes");
  return hash.toHex();
}

/** The first 8 hex digits, as restic shows ids to people. */
export function shortId(id: ObjectId | BlobId): string {
  return id.slice(0, 8);
}
