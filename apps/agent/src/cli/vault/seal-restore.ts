import type { Repository } from "@saveos/engine";
import { AgentError } from "../../errors/agent-error.ts";
import type { World } from "../../world.ts";
import type { Invocation } from "../command-line.ts";
import { sealSecrets } from "../seal-restore.ts";
import { type OpenOptions, openVault } from "./open-vault.ts";
import { openProven, passwordsOf } from "./sealed-passwords.ts";
import { VaultServer } from "./vault-server.ts";

export interface SealRestoreByVaultOptions extends OpenOptions {
  readonly from?: string;
  readonly snapshot?: string;
}

/**
 * Seals what an order for a restore must say and the server must not know, by the vault alone. The machine's recipient is the one inside its sealed password, which is
 * taken only if that password opens the machine's repository; and the paths must be there: a server could show a repository of its own making, but not what is in ours.
 */
export async function sealRestoreByVault(invocation: Invocation<SealRestoreByVaultOptions>): Promise<void> {
  const { world, options, operands, print } = invocation;
  const [machine = "", ...paths] = operands;
  await using server = await VaultServer.find(invocation);
  const { identity } = await openVault(invocation, server);
  const proven = async (which: string) => await openProven(world, server, await passwordsOf(server, identity, which));
  const to = await proven(machine);
  const from = options.from === undefined ? to : await proven(options.from);
  const isOwn = from.password.repositoryId === to.password.repositoryId;
  const snapshotId = await requirePaths(world, from.repository, options.snapshot ?? "latest", paths);
  const recipient = to.password.agentRecipient;
  const sealed = await sealSecrets(recipient, paths, isOwn ? undefined : from.password.password);
  await print.result(sealed);
  await print.record({
    message_type: "sealed",
    recipient,
    sealed,
    snapshot_id: snapshotId,
    repository_id: from.password.repositoryId,
  });
}

/** Rejects with `usage` unless all paths are in the snapshot. Resolves with the snapshot's id. */
async function requirePaths(
  { signal }: World,
  repository: Repository,
  wanted: string,
  paths: readonly string[],
): Promise<string> {
  const { findSnapshot, listFiles, loadIndex } = await import("@saveos/engine");
  const { snapshot } = await findSnapshot(repository, wanted, {}, { signal });
  await loadIndex(repository, { signal });
  const missing = new Set(paths);
  for await (const { path } of listFiles(repository, snapshot, { paths, signal })) {
    missing.delete(path);
    if (missing.size === 0) break;
  }
  const [first] = missing;
  if (first === undefined || paths.length === 0) return snapshot.id;
  throw new AgentError("usage", `${first} is not in the snapshot ${snapshot.id.slice(0, 8)}.`, {
    hint: "Name paths as the snapshot has them. If it should be there, the server may be showing another repository.",
  });
}
