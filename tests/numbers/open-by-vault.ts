import {
  createVaultRequest,
  lockedIdentityResponse,
  passphraseList,
  sealedPasswordList,
  vault as vaultSchema,
} from "@saveos/contract";
import { findSnapshot, listFiles, loadIndex, type ObjectStore, openRepository } from "@saveos/engine";
import { nodeCompute } from "@saveos/engine/node";
import {
  lockIdentity,
  makeIdentity,
  openSealedPassword,
  recipientOf,
  unlockIdentity,
  verifyKeyOf,
} from "@saveos/vault";
import { machineClock } from "../../apps/agent/src/host/clock.ts";
import { send } from "../../apps/server/src/testing/api-client.ts";

interface Server {
  readonly httpUrl: string;
  readonly apiKey: string;
}

const passphrase = "wooden clock under seven rivers";

/** Makes the tenant's vault. */
export async function makeVault(server: Server): Promise<void> {
  const identity = await makeIdentity();
  const request = {
    recipient: await recipientOf(identity),
    verify_key: await verifyKeyOf(identity),
    passphrase: { label: "numbers", locked_identity: await lockIdentity(identity, passphrase) },
  };
  await ask(server, "POST", "", createVaultRequest.parse(request));
}

export interface Opened {
  /** From the passphrase to the last name of the snapshot. */
  readonly seconds: number;
  /** How much of that was the scrypt of the passphrase. The repository's own is not in it. */
  readonly scryptSeconds: number;
  readonly files: number;
}

/** Opens the vault with the passphrase, a repository with what is sealed there, and lists all of its newest snapshot: what a person waits for who looks for a file. */
export async function openByVault(server: Server, storeOf: (repositoryId: string) => ObjectStore): Promise<Opened> {
  const startedMs = performance.now();
  const vault = vaultSchema.parse(await ask(server, "GET", ""));
  const [first] = passphraseList.parse(await ask(server, "GET", "/passphrases")).passphrases;
  const locked = lockedIdentityResponse.parse(await ask(server, "GET", `/passphrases/${first?.id}`));
  const scryptMs = performance.now();
  const identity = await unlockIdentity(locked.locked_identity, passphrase);
  const scryptSeconds = (performance.now() - scryptMs) / 1000;
  if ((await recipientOf(identity)) !== vault.recipient || (await verifyKeyOf(identity)) !== vault.verify_key)
    throw new Error("the passphrase opens another vault");
  const [sealed] = sealedPasswordList.parse(await ask(server, "GET", "/sealed-passwords")).sealed_passwords;
  const { password, repositoryId } = await openSealedPassword(identity, sealed?.sealed ?? "");
  const deps = { store: storeOf(repositoryId), compute: nodeCompute(), clock: machineClock };
  const repository = await openRepository(deps, { password });
  const { snapshot } = await findSnapshot(repository, "latest");
  await loadIndex(repository);
  let files = 0;
  for await (const { node } of listFiles(repository, snapshot)) files += Number(node.type === "file");
  return { seconds: (performance.now() - startedMs) / 1000, scryptSeconds, files };
}

async function ask({ httpUrl, apiKey }: Server, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await send(httpUrl, method, `/api/v1/vault${path}`, { credential: apiKey, body });
  if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}`);
  return answer.body;
}
