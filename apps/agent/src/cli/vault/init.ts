import { userInfo } from "node:os";
import type { CreateVaultRequest } from "@saveos/contract";
import { formatPin, lockIdentity, makeIdentity, recipientOf, verifyKeyOf } from "@saveos/vault";
import type { Invocation } from "../command-line.ts";
import { findNewPassphrase } from "./passphrases.ts";
import { type ServerOptions, VaultServer } from "./vault-server.ts";

export interface InitOptions extends ServerOptions {
  readonly label?: string;
  readonly passphraseFile?: string;
}

/** Makes the tenant's vault on this machine, and gives the server what it may have of it. */
export async function initVault(invocation: Invocation<InitOptions>): Promise<void> {
  const { world, options, print } = invocation;
  await using server = await VaultServer.find(invocation);
  const label = options.label ?? userInfo().username;
  const passphrase = await findNewPassphrase(world, options.passphraseFile, label);
  const identity = await makeIdentity();
  const recipient = await recipientOf(identity);
  const verifyKey = await verifyKeyOf(identity);
  const body: CreateVaultRequest = {
    recipient,
    verify_key: verifyKey,
    passphrase: { label, locked_identity: await lockIdentity(identity, passphrase) },
  };
  await server.ask({ method: "POST", path: "/api/v1/vault", body });
  const pin = formatPin({ recipient, verifyKey, generation: 1 });
  await print.result(
    print.style.good("The vault is made."),
    "",
    "Machines that are provisioned from now on seal their passwords to it. On those that are enrolled",
    "already, run as root:",
    `  saveos-agent vault pin --system ${pin}`,
    "",
    "Without its passphrase nobody can open it, and nobody can reset it: let a second administrator",
    "have one of their own with `saveos-agent vault add-passphrase NAME`.",
  );
  await print.record({ message_type: "vault_created", pin, recipient, label });
}
