import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type ObjectId, shortId } from "../format/ids.ts";
import { objectName } from "../format/object-name.ts";
import { type LockOptions, lockRepository } from "../repository/locks.ts";
import { listKeyIds, loadKeyFile } from "../repository/open-repository.ts";
import type { Repository } from "../repository/repository.ts";
import { storeNewKey } from "../repository/store-new-key.ts";

export interface KeyInfo {
  readonly id: ObjectId;
  /** The one that this repository was opened with. */
  readonly current: boolean;
  readonly username: string;
  readonly hostname: string;
  /** RFC 3339, in its maker's zone. */
  readonly created: string;
}

export interface NewKeyRequest extends Abortable {
  readonly password: string;
  readonly hostname: string;
  readonly username: string;
  readonly lock: LockOptions;
}

export interface ListKeysOptions extends Abortable {
  /** Called for a key file that can't be read, which is then passed over; without it the first one rejects. */
  readonly onUnreadable?: ((id: ObjectId, error: EngineError) => void) | undefined;
}

/** The key files of the repository. What they say of themselves is not sealed: whoever can write to the store could have written it. */
export async function listKeys(
  repository: Repository,
  { onUnreadable, signal }: ListKeysOptions = {},
): Promise<KeyInfo[]> {
  const keys: KeyInfo[] = [];
  for (const id of await listKeyIds(repository, { signal })) {
    try {
      const { username, hostname, created } = await loadKeyFile(repository, id, { signal });
      keys.push({ id, current: id === repository.keyId, username, hostname, created });
    } catch (error) {
      if (!onUnreadable || !isEngineError(error, "corrupt-data", "not-found", "unsupported")) throw error;
      onUnreadable(id, error);
    }
  }
  return keys;
}

/** Adds a password that opens the repository. */
export async function addKey(repository: Repository, request: NewKeyRequest): Promise<ObjectId> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: false, signal: request.signal });
  await lock.ensureFresh();
  return await storeNewKey(repository, repository.masterKey, { ...request, signal: lock.signal });
}

/** Removes a key by its id or a prefix. The one in use is refused, so at least one always stays. */
export async function removeKey(
  repository: Repository,
  request: Abortable & { readonly idPrefix: string; readonly lock: LockOptions },
): Promise<ObjectId> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: true, signal: request.signal });
  const id = await findKey(repository, request.idPrefix, lock);
  if (id === repository.keyId)
    throw new EngineError("invalid-input", `Key ${shortId(id)} is the one in use`, {
      hint: "Open the repository with another password to remove it.",
    });
  await lock.ensureFresh();
  await repository.store.delete(objectName("keys", id), { signal: lock.signal });
  return id;
}

/** Replaces the password in use: the new key is stored and tried before the old one goes. The master key stays the same. */
export async function changePassword(repository: Repository, request: NewKeyRequest): Promise<ObjectId> {
  await using lock = await lockRepository(repository, { ...request.lock, exclusive: true, signal: request.signal });
  await lock.ensureFresh();
  const id = await storeNewKey(repository, repository.masterKey, { ...request, signal: lock.signal });
  await repository.store.delete(objectName("keys", repository.keyId), { signal: lock.signal });
  return id;
}

async function findKey(repository: Repository, idPrefix: string, options: Abortable): Promise<ObjectId> {
  const fitting = (await listKeyIds(repository, options)).filter((id) => id.startsWith(idPrefix));
  const [id] = fitting;
  if (!id || idPrefix === "")
    throw new EngineError("not-found", `No key of the repository begins with ${JSON.stringify(idPrefix)}`);
  if (fitting.length > 1) throw new EngineError("invalid-input", `More than one key begins with ${idPrefix}`);
  return id;
}
