import type { Primitives } from "../crypto/primitives.ts";
import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type HashedName, splitName } from "./layout.ts";
import type { ObjectStore } from "./object-store.ts";

/** The hash that names objects. */
export type Sha256 = Primitives["sha256"];

/**
 * Fetches a whole object and checks that its SHA-256 is its name. What does not match is fetched once more, since the damage may have
 * happened on the way; then it rejects with `corrupt-data`. Rejects with `not-found` if there is no such object.
 */
export async function getVerified(
  store: ObjectStore,
  name: HashedName,
  { sha256, signal }: Abortable & { readonly sha256: Sha256 },
): Promise<Uint8Array> {
  const { id } = splitName(name);
  const first = await getOrUndefinedIfCorrupt(store, name, signal);
  if (first !== undefined && sha256(first).toHex() === id) return first;
  const second = await store.get(name, { signal });
  const found = sha256(second).toHex();
  if (found === id) return second;
  throw new EngineError(
    "corrupt-data",
    `${name} in ${store.label} is damaged: the SHA-256 of its ${second.length} bytes is ${found}`,
  );
}

async function getOrUndefinedIfCorrupt(store: ObjectStore, name: HashedName, signal: AbortSignal | undefined) {
  try {
    return await store.get(name, { signal });
  } catch (error) {
    if (isEngineError(error, "corrupt-data")) return undefined;
    throw error;
  }
}
