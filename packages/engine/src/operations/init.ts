import { BlobIndex } from "../blob-index/blob-index.ts";
import { randomPolynomial } from "../chunk/polynomial.ts";
import { generateMasterKey } from "../crypto/master-key.ts";
import { seal } from "../crypto/seal.ts";
import { EngineError, isEngineError } from "../errors/engine-error.ts";
import type { Abortable } from "../flow/abortable.ts";
import { type Config, encodeConfig } from "../format/config.ts";
import type { Repository, RepositoryDeps } from "../repository/repository.ts";
import { storeNewKey } from "../repository/store-new-key.ts";

export interface InitRequest extends Abortable {
  readonly password: string;
  /** Recorded in the key file, in the clear. */
  readonly hostname: string;
  readonly username: string;
  /** Another repository's, so that both cut files alike and copying between them finds what is there already. */
  readonly chunkerPolynomial?: bigint | undefined;
}

/**
 * Makes a new, empty repository of format version 2. Rejects with `already-exists` if the place holds a config, a key or a snapshot.
 * The key comes first and the config last: a stop between them leaves a place that `init` refuses to reuse rather than one that looks whole.
 */
export async function initRepository(deps: RepositoryDeps, request: InitRequest): Promise<Repository> {
  const { store, compute } = deps;
  const { primitives } = compute;
  await requireEmpty(deps, request);
  await store.create(request);
  const config: Config = {
    version: 2,
    id: primitives.randomBytes(32).toHex(),
    chunkerPolynomial: request.chunkerPolynomial ?? randomPolynomial(primitives.randomBytes),
  };
  const masterKey = generateMasterKey(primitives);
  const keyId = await storeNewKey(deps, masterKey, request);
  await store.put("config", seal(primitives, masterKey, encodeConfig(config)), { signal: request.signal });
  return { ...deps, config, masterKey, keyId, index: new BlobIndex() };
}

async function requireEmpty({ store }: RepositoryDeps, { signal }: Abortable): Promise<void> {
  const refuse = (what: string) =>
    new EngineError("already-exists", `${store.label} already holds ${what} of a repository`, {
      hint: "Open it with its password, or choose another place. Nothing was changed.",
    });
  try {
    await store.size("config", { signal });
    throw refuse("the config");
  } catch (error) {
    if (!isEngineError(error, "not-found")) throw error;
  }
  for await (const _key of store.list("keys", { signal })) throw refuse("a key");
  for await (const _snapshot of store.list("snapshots", { signal })) throw refuse("a snapshot");
}
