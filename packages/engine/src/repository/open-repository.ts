import { BlobIndex } from "../blob-index/blob-index.ts";
import { checkScryptCost } from "../crypto/scrypt-cost.ts";
import { decodeMasterKey, deriveUserKey, type MasterKey } from "../crypto/master-key.ts";
import { open } from "../crypto/seal.ts";
import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type Config, decodeConfig } from "../format/config.ts";
import type { ObjectId } from "../format/ids.ts";
import { decodeKeyFile, type KeyFile } from "../format/key-file.ts";
import { degreeOf, isIrreducible, polynomialDegree } from "../chunk/polynomial.ts";
import { getVerified } from "../store/verified.ts";
import type { Repository, RepositoryDeps } from "./repository.ts";

export interface OpenRequest extends Abortable {
  readonly password: string;
  /** Tried first: the id, or a prefix of it, of the key file that this password opens. */
  readonly keyHint?: string | undefined;
}

/** As restic: each try costs a scrypt run, so a repository full of keys can't hold a caller for ever. */
const keysTriedMax = 20;

/**
 * Opens a repository: finds the key file that the password opens, and with it the config.
 * Rejects with `no-repository` or `wrong-password`. The index is not loaded (`loadIndex`).
 */
export async function openRepository(deps: RepositoryDeps, request: OpenRequest): Promise<Repository> {
  const [sealedConfig, keyIds] = await Promise.all([fetchConfig(deps, request), listKeyIds(deps, request)]);
  const { masterKey, keyId } = await searchKey(deps, keyIds, request);
  const config = openConfig(deps, masterKey, sealedConfig);
  return { ...deps, config, masterKey, keyId, index: new BlobIndex() };
}

async function fetchConfig({ store }: RepositoryDeps, { signal }: Abortable): Promise<Uint8Array> {
  try {
    return await store.get("config", { signal });
  } catch (error) {
    if (!isEngineError(error, "not-found")) throw error;
    throw new EngineError("no-repository", `There is no repository at ${store.label}`, {
      cause: error,
      hint: "Check the location, or make a new repository there with `init`.",
    });
  }
}

async function searchKey(
  deps: RepositoryDeps,
  ids: ObjectId[],
  { password, keyHint, signal }: OpenRequest,
): Promise<{ masterKey: MasterKey; keyId: ObjectId }> {
  if (keyHint) ids.sort((a, b) => Number(b.startsWith(keyHint)) - Number(a.startsWith(keyHint)));
  let unreadable: EngineError | undefined;
  for (const id of ids.slice(0, keysTriedMax)) {
    signal?.throwIfAborted();
    try {
      const masterKey = await openKeyFile(deps, await loadKeyFile(deps, id, { signal }), password);
      if (masterKey) return { masterKey, keyId: id };
    } catch (error) {
      // One key file that is damaged, absurd or of another kind must not lock out the others.
      if (!isEngineError(error, "corrupt-data", "not-found", "unsupported")) throw error;
      unreadable ??= error;
    }
  }
  throw new EngineError("wrong-password", `No key of the repository at ${deps.store.label} opens with this password`, {
    cause: unreadable,
    hint: unreadable
      ? `Check the password. At least one key file is damaged: ${unreadable.message}`
      : "Check the password: it is case-sensitive, and every character counts.",
  });
}

export async function listKeyIds({ store }: RepositoryDeps, options: Abortable = {}): Promise<ObjectId[]> {
  const ids: ObjectId[] = [];
  for await (const { id } of store.list("keys", options)) ids.push(id);
  return ids.toSorted();
}

export async function loadKeyFile(deps: RepositoryDeps, id: ObjectId, options: Abortable = {}): Promise<KeyFile> {
  const { sha256 } = deps.compute.primitives;
  return decodeKeyFile(await getVerified(deps.store, `keys/${id}`, { ...options, sha256 }));
}

/** Undefined if the password does not open this key file. */
export async function openKeyFile(
  { compute: { primitives } }: RepositoryDeps,
  keyFile: KeyFile,
  password: string,
): Promise<MasterKey | undefined> {
  checkScryptCost(keyFile.cost);
  const userKey = await deriveUserKey(primitives, password, keyFile.salt, keyFile.cost);
  let plain: Uint8Array;
  try {
    plain = open(primitives, userKey, keyFile.data);
  } catch (error) {
    if (isEngineError(error, "corrupt-data")) return undefined;
    throw error;
  }
  return decodeMasterKey(plain);
}

function openConfig(deps: RepositoryDeps, masterKey: MasterKey, sealed: Uint8Array): Config {
  let plain: Uint8Array;
  try {
    plain = open(deps.compute.primitives, masterKey, sealed);
  } catch (error) {
    throw new EngineError("corrupt-data", `The config of the repository at ${deps.store.label} is damaged`, {
      cause: error,
      hint: "The password was right. Bring `config` back from a copy of the repository.",
    });
  }
  const config = decodeConfig(plain);
  // Anything else would cut files nowhere, or everywhere.
  if (degreeOf(config.chunkerPolynomial) !== polynomialDegree || !isIrreducible(config.chunkerPolynomial))
    throw new EngineError(
      "corrupt-data",
      `The chunker polynomial in the repository's config is not irreducible of degree ${polynomialDegree}`,
    );
  return config;
}
