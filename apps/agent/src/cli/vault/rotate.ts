import type { RotateVaultRequest, SealedPasswordOf } from "@saveos/contract";
import {
  followRotations,
  lockIdentity,
  makeIdentity,
  openSealedPassword,
  recipientOf,
  type RepositoryPassword,
  sealPassword,
  signStatement,
  type VaultPin,
  verifyKeyOf,
} from "@saveos/vault";
import { AgentError, isAgentError } from "../../errors/agent-error.ts";
import { nowText } from "../../host/clock.ts";
import { plural } from "../../terminal/quantities.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openIdentity, openVault } from "./open-vault.ts";
import { findNewPassphrase } from "./passphrases.ts";
import { VaultServer } from "./vault-server.ts";

export interface RotateOptions extends OpenOptions {
  readonly newPassphraseFile?: string;
  readonly resume?: true;
}

/**
 * Moves the vault to a new identity: signs for it with the present one, and seals again what that one can open. Machines seal their own passwords again by themselves;
 * that this does so as well is for machines that are gone, and against one that would seal something else.
 */
export async function rotateVault(invocation: Invocation<RotateOptions>): Promise<void> {
  const { options, print } = invocation;
  await using server = await VaultServer.find(invocation);
  const moved = options.resume === true ? await olderIdentity(invocation, server) : await moveOn(invocation, server);
  const resealed = await resealAll(invocation, server, moved);
  const { waiting, generation } = await server.vault();
  await print.result(
    print.style.good(
      `The vault is at generation ${generation}, and ${plural(resealed, "password")} of it ${resealed === 1 ? "was" : "were"} sealed again.`,
    ),
    waiting === 0
      ? "Nothing waits: the older passphrases are removed."
      : "Machines seal their own again as they come by: `saveos-agent vault show` says which are missing.",
    "Other administrators need a passphrase for the new identity: `saveos-agent vault add-passphrase NAME`.",
  );
  await print.record({ message_type: "vault_rotated", generation, resealed, waiting });
}

/** From which identity to which vault passwords are sealed again. */
interface Move {
  readonly identity: string;
  readonly from: VaultPin;
  readonly to: VaultPin;
}

async function moveOn(invocation: Invocation<RotateOptions>, server: VaultServer): Promise<Move> {
  const { world, options } = invocation;
  const { identity, pin: from, label, shown } = await openVault(invocation, server);
  const passphrase = await findNewPassphrase(world, options.newPassphraseFile, label);
  const next = await makeIdentity();
  const to = {
    recipient: await recipientOf(next),
    verifyKey: await verifyKeyOf(next),
    generation: from.generation + 1,
  };
  const at = nowText(world.clock);
  const body: RotateVaultRequest = {
    rotation: await signStatement(identity, {
      kind: "rotation",
      from: from.recipient,
      to: to.recipient,
      to_verify_key: to.verifyKey,
      generation: to.generation,
      at,
    }),
    passphrases: [{ label, locked_identity: await lockIdentity(next, passphrase) }],
    names: shown.names_visible
      ? await signStatement(next, { kind: "names", from: to.recipient, visible: true, serial: 1, at })
      : null,
  };
  await server.ask({ method: "POST", path: "/api/v1/vault/rotation", body });
  return { identity, from, to };
}

/** What a rotation that stopped half-way goes on with: where it leads the older identity itself has signed. */
async function olderIdentity(invocation: Invocation<RotateOptions>, server: VaultServer): Promise<Move> {
  const shown = await server.vault();
  if (!shown.is_rotating) throw new AgentError("usage", "The vault is not being rotated: nothing is left to do.");
  const isOlder = ({ generation }: { generation: number }) => generation < shown.generation;
  const { identity, pin: from } = await openIdentity(invocation, server, shown, isOlder);
  const to = followRotations(from, shown.rotations);
  if (to.recipient !== shown.recipient)
    throw new AgentError("server-untrusted", "The older identity has not signed for the vault that the server shows.");
  return { identity, from, to };
}

/** Seals again, for the new identity, every password that the older one opens. Resolves with how many. May be run again. */
async function resealAll({ print }: Invocation<RotateOptions>, server: VaultServer, move: Move): Promise<number> {
  const all = await server.sealedPasswords();
  const byAgent = Map.groupBy(all, (each) => `${each.repository_id} ${each.agent_id}`);
  let resealed = 0;
  for (const [, sealed] of byAgent) {
    if (sealed.some((each) => each.generation === move.to.generation && each.kept_as === "resealed")) continue;
    const content = await openTrusted(sealed, move);
    const [first] = sealed;
    if (content === undefined || first === undefined) {
      if (sealed.every(({ generation }) => generation < move.to.generation))
        await print.warn(
          `The password of ${first?.hostname} (repository ${first?.repository_id}) can't be opened with this identity.`,
        );
      continue;
    }
    resealed += await resealOne(server, move.to, first, content);
  }
  return resealed;
}

async function resealOne(
  server: VaultServer,
  to: VaultPin,
  { repository_id, agent_id }: SealedPasswordOf,
  content: RepositoryPassword,
): Promise<number> {
  const sealed = await sealPassword(to.recipient, content);
  const body = { repository_id, agent_id, generation: to.generation, sealed };
  try {
    await server.ask({ method: "POST", path: "/api/v1/vault/sealed-passwords", body });
    return 1;
  } catch (error) {
    // Somebody else did at the same moment.
    if (isAgentError(error, "server-refused")) return 0;
    throw error;
  }
}

/** What was sealed earlier is trusted more: an agent that was taken over later can't have changed it. */
const trust: readonly SealedPasswordOf["kept_as"][] = ["resealed", "first", "last"];

async function openTrusted(
  sealed: readonly SealedPasswordOf[],
  { identity, from }: Move,
): Promise<RepositoryPassword | undefined> {
  const candidates = sealed
    .filter(({ generation }) => generation === from.generation)
    .toSorted((one, other) => trust.indexOf(one.kept_as) - trust.indexOf(other.kept_as));
  for (const candidate of candidates) {
    const content = await openSealedPassword(identity, candidate.sealed).catch(() => undefined);
    // The server may have put another repository's in its place.
    if (content?.repositoryId === candidate.repository_id) return content;
  }
  return undefined;
}
