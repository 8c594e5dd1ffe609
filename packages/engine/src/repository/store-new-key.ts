import { deriveUserKey, encodeMasterKey, type MasterKey } from "../crypto/master-key.ts";
import { calibrateScrypt } from "../crypto/scrypt-cost.ts";
import { seal } from "../crypto/seal.ts";
import { EngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type ObjectId, objectIdFromBytes } from "../format/ids.ts";
import { encodeKeyFile } from "../format/key-file.ts";
import { objectName } from "../format/object-name.ts";
import { formatTime, localZone } from "../format/time.ts";
import { loadKeyFile, openKeyFile } from "./open-repository.ts";
import type { RepositoryDeps } from "./repository.ts";

const saltBytes = 64;
const nsPerMs = 1e6;

/** Wraps the master key with a password in a new key file, and opens it again from the store to be sure. */
export async function storeNewKey(
  deps: RepositoryDeps,
  masterKey: MasterKey,
  { password, hostname, username, signal }: Abortable & { password: string; hostname: string; username: string },
): Promise<ObjectId> {
  const { store, clock, compute } = deps;
  const { primitives } = compute;
  const cost = await calibrateScrypt(primitives, () => Number(clock.nowNs()) / nsPerMs);
  const salt = primitives.randomBytes(saltBytes);
  const userKey = await deriveUserKey(primitives, password, salt, cost);
  const bytes = encodeKeyFile({
    created: formatTime(clock.nowNs(), localZone),
    username,
    hostname,
    cost,
    salt,
    data: seal(primitives, userKey, encodeMasterKey(masterKey)),
  });
  const id = objectIdFromBytes(primitives.sha256(bytes));
  const name = objectName("keys", id);
  await store.put(name, bytes, { signal });
  const reopened = await openKeyFile(deps, await loadKeyFile(deps, id, { signal }), password);
  if (reopened) return id;
  await store.delete(name, { signal });
  throw new EngineError("corrupt-data", `The new key ${name} did not open again after it was stored; it was removed`);
}
