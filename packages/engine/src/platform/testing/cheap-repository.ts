import { BlobIndex } from "../../blob-index/blob-index.ts";
import { randomPolynomial } from "../../chunk/polynomial.ts";
import { generateMasterKey } from "../../crypto/master-key.ts";
import { openRepository } from "../../repository/open-repository.ts";
import type { Repository, RepositoryDeps } from "../../repository/repository.ts";
import { forgeConfig, forgeKeyFile } from "./forger.ts";
import { testPassword } from "./test-repository.ts";

/** What scrypt takes at the least: a millisecond. */
const leastCost = { N: 16, r: 8, p: 1 };

/**
 * A new repository whose key file says truly that its key costs almost nothing: any program opens it at once, stock restic too. For tests
 * that open repositories hundreds of times. Never for real ones.
 */
export async function newCheapRepository(deps: RepositoryDeps, password = testPassword): Promise<Repository> {
  const { primitives } = deps.compute;
  const config = {
    version: 2,
    id: primitives.randomBytes(32).toHex(),
    chunkerPolynomial: randomPolynomial(primitives.randomBytes),
  } as const;
  const masterKey = generateMasterKey(primitives);
  await deps.store.create();
  const keyId = await forgeKeyFile({ ...deps, masterKey }, { password, cost: leastCost });
  await forgeConfig({ ...deps, config, masterKey, keyId, index: new BlobIndex() });
  return await openRepository(deps, { password });
}
