import { openUnpacked, sealUnpacked } from "../blob/unpacked.ts";
import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import { type ObjectKind, objectName } from "../format/object-name.ts";
import { getVerified } from "../store/verified.ts";
import type { Repository } from "./repository.ts";

/** The kinds that are one sealed JSON document each (restic design.rst, "Unpacked Data Format"). */
export type UnpackedKind = Extract<ObjectKind, "index" | "snapshots" | "locks">;

/** The JSON of an index, snapshot or lock file, its hash and MAC checked. */
export async function loadUnpacked(
  repository: Repository,
  kind: UnpackedKind,
  id: ObjectId,
  options: Abortable = {},
): Promise<Uint8Array> {
  const { primitives } = repository.compute;
  const name = `${kind}/${id}` as const;
  const sealed = await getVerified(repository.store, name, { ...options, sha256: primitives.sha256 });
  try {
    return openUnpacked(primitives, repository.masterKey, repository.config.version, sealed);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data", "unsupported")) throw error;
    throw new EngineError(error.code, `${name} can't be opened: ${error.message}`, {
      cause: error,
      hint: error.hint,
    });
  }
}

/** Seals and stores a JSON document; resolves with its name once it is durable. */
export async function saveUnpacked(
  repository: Repository,
  kind: UnpackedKind,
  json: Uint8Array,
  options: Abortable = {},
): Promise<ObjectId> {
  const { primitives } = repository.compute;
  const sealed = sealUnpacked(primitives, repository.masterKey, repository.config.version, json);
  const id = objectIdFromBytes(primitives.sha256(sealed));
  await repository.store.put(objectName(kind, id), sealed, options);
  return id;
}
