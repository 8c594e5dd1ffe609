import { lockIdentity } from "@saveos/vault";
import { AgentError } from "../../errors/agent-error.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openVault } from "./open-vault.ts";
import { findNewPassphrase } from "./passphrases.ts";
import { type ServerOptions, VaultServer } from "./vault-server.ts";

export interface AddPassphraseOptions extends OpenOptions {
  readonly newPassphraseFile?: string;
}

/** Locks the vault's identity with one more passphrase. */
export async function addPassphrase(invocation: Invocation<AddPassphraseOptions>): Promise<void> {
  const { world, options, operands, print } = invocation;
  const label = operands[0] ?? "";
  await using server = await VaultServer.find(invocation);
  const { identity, pin } = await openVault(invocation, server);
  const passphrase = await findNewPassphrase(world, options.newPassphraseFile, label);
  const body = { label, generation: pin.generation, locked_identity: await lockIdentity(identity, passphrase) };
  await server.ask({ method: "POST", path: "/api/v1/vault/passphrases", body });
  await print.result(`${label} can open the vault with this passphrase.`);
  await print.record({ message_type: "passphrase_added", label });
}

/** Has the server forget what a passphrase locks. */
export async function removePassphrase(invocation: Invocation<ServerOptions>): Promise<void> {
  const { operands, print } = invocation;
  const [label] = operands;
  await using server = await VaultServer.find(invocation);
  const { generation } = await server.vault();
  const found = (await server.passphrases()).find((each) => each.label === label && each.generation === generation);
  if (found === undefined) throw new AgentError("usage", `The vault has no passphrase "${label}".`);
  await server.ask({ method: "DELETE", path: `/api/v1/vault/passphrases/${found.id}` });
  await print.result(
    `The passphrase of ${found.label} is removed.`,
    "Whoever has kept a copy of what it locks can still open that: `saveos-agent vault rotate` ends it.",
  );
  await print.record({ message_type: "passphrase_removed", label: found.label });
}
