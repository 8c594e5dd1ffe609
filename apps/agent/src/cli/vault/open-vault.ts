import type { Passphrase, Vault } from "@saveos/contract";
import { isVaultError, recipientOf, unlockIdentity, type VaultPin, verifyKeyOf } from "@saveos/vault";
import { AgentError } from "../../errors/agent-error.ts";
import type { Invocation } from "../command-line.ts";
import { findPassphrase } from "./passphrases.ts";
import type { ServerOptions, VaultServer } from "./vault-server.ts";

export interface OpenOptions extends ServerOptions {
  /** Which of the vault's passphrases, if there are several. */
  readonly label?: string;
  readonly passphraseFile?: string;
}

/** A vault whose identity is at hand, on this machine and in memory only. */
export interface OpenVault {
  readonly identity: string;
  /** Of this identity, worked out here: not by the server's word. */
  readonly pin: VaultPin;
  /** Whose passphrase opened it. */
  readonly label: string;
  /** What the server says of the vault. */
  readonly shown: Vault;
}

/** Opens the vault's present identity with a passphrase. Rejects with `wrong-passphrase`, which the server is told, or `server-untrusted`. */
export async function openVault(invocation: Invocation<OpenOptions>, server: VaultServer): Promise<OpenVault> {
  const shown = await server.vault();
  const opened = await openIdentity(invocation, server, shown, ({ generation }) => generation === shown.generation);
  if (opened.pin.recipient !== shown.recipient || opened.pin.verifyKey !== shown.verify_key)
    throw new AgentError(
      "server-untrusted",
      "The vault that the server shows is not the one that this passphrase opens.",
      {
        hint: "The server may have been taken over. Machines refuse what their pinned vault has not signed.",
      },
    );
  return { ...opened, shown };
}

/** Opens one of the vault's identities: of those that `isMeant` names, the one whose label was given. */
export async function openIdentity(
  { world, options }: Invocation<OpenOptions>,
  server: VaultServer,
  { generation }: Vault,
  isMeant: (passphrase: Passphrase) => boolean,
): Promise<Omit<OpenVault, "shown">> {
  const chosen = choose((await server.passphrases()).filter(isMeant), options.label);
  const passphrase = await findPassphrase(world, options.passphraseFile, chosen.label);
  const { locked_identity: locked } = await server.lockedIdentity(chosen.id);
  try {
    const identity = await unlockIdentity(locked, passphrase);
    const recipient = await recipientOf(identity);
    const pin = { recipient, verifyKey: await verifyKeyOf(identity), generation: chosen.generation };
    return { identity, pin, label: chosen.label };
  } catch (error) {
    if (!isVaultError(error, "wrong-passphrase")) throw error;
    // That it was wrong is for the others to see; that they can't be told is no reason to say something else.
    await server.ask({ method: "POST", path: `/api/v1/vault/passphrases/${chosen.id}/wrong` }).catch(() => undefined);
    const isOlder = chosen.generation < generation;
    throw new AgentError("wrong-passphrase", `This is not the passphrase of ${chosen.label}.`, {
      cause: error,
      hint: `Try again. The others see how often it was wrong${isOlder ? "; the one before the rotation is meant" : ""}.`,
    });
  }
}

function choose(passphrases: readonly Passphrase[], label: string | undefined): Passphrase {
  const names = passphrases.map((each) => each.label).join(", ");
  const chosen =
    label === undefined && passphrases.length === 1 ? passphrases[0] : passphrases.find((each) => each.label === label);
  if (chosen !== undefined) return chosen;
  if (passphrases.length === 0) throw new AgentError("usage", "The vault has no such passphrase.");
  throw new AgentError(
    "usage",
    label === undefined ? "The vault has several passphrases." : `The vault has no passphrase "${label}".`,
    { hint: `Say whose it is with --label: ${names}` },
  );
}
