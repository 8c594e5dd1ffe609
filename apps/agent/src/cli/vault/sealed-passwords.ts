import type { SealedPasswordOf } from "@saveos/contract";
import type { Repository } from "@saveos/engine";
import { openSealedPassword, type RepositoryPassword } from "@saveos/vault";
import { AgentError } from "../../errors/agent-error.ts";
import { repositoryDeps } from "../../repository/open-repository.ts";
import type { World } from "../../world.ts";
import type { VaultServer } from "./vault-server.ts";

/** What was sealed earlier is trusted more: an agent that was taken over later can't have changed it. */
const trust = ["resealed", "first", "last"] as const;

/** For sorting: what is to be trusted first comes first. */
export function byTrust(one: SealedPasswordOf, other: SealedPasswordOf): number {
  return (
    other.generation - one.generation ||
    trust.indexOf(one.kept_as) - trust.indexOf(other.kept_as) ||
    Date.parse(other.sealed_at) - Date.parse(one.sealed_at)
  );
}

/** The different passwords that are sealed for a repository, given by its id or its machine's name, the one to trust first. Rejects with `usage` if there is none. */
export async function passwordsOf(
  server: VaultServer,
  identity: string,
  which: string,
): Promise<readonly [RepositoryPassword, ...RepositoryPassword[]]> {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(which);
  const sealed = isId
    ? await server.sealedPasswords(which)
    : (await server.sealedPasswords()).filter(({ hostname }) => hostname === which);
  const ids = new Set(sealed.map(({ repository_id: id }) => id));
  if (ids.size > 1)
    throw new AgentError("usage", `There are several machines "${which}".`, {
      hint: `Name the repository: ${[...ids].join(", ")}`,
    });
  const contents: RepositoryPassword[] = [];
  for (const each of sealed.toSorted(byTrust)) {
    const content = await openSealedPassword(identity, each.sealed).catch(() => undefined);
    // The server may have put another repository's in its place.
    if (content?.repositoryId !== each.repository_id) continue;
    const isKnown = contents.some(
      ({ password, agentRecipient }) => password === content.password && agentRecipient === content.agentRecipient,
    );
    if (!isKnown) contents.push(content);
  }
  const [first, ...others] = contents;
  if (first !== undefined) return [first, ...others];
  if (sealed.length === 0)
    throw new AgentError("usage", `No password is sealed for "${which}".`, {
      hint: "`saveos-agent status` on its machine says why.",
    });
  throw new AgentError(
    "usage",
    `No password that is sealed for "${which}" can be opened with the vault's present identity.`,
    { hint: "After a rotation, machines seal theirs again as they come by." },
  );
}

export interface ProvenPassword {
  readonly password: RepositoryPassword;
  readonly repository: Repository;
}

/**
 * The first of the passwords that opens its repository: anybody who knows the vault's recipient can seal something to it, and only who made the repository can seal
 * what opens it. Rejects with `server-untrusted` if none does.
 */
export async function openProven(
  world: World,
  server: VaultServer,
  passwords: readonly [RepositoryPassword, ...RepositoryPassword[]],
): Promise<ProvenPassword> {
  const { isEngineError, openRepository } = await import("@saveos/engine");
  const deps = await repositoryDeps(world, await server.store(passwords[0].repositoryId));
  for (const password of passwords) {
    try {
      const repository = await openRepository(deps, { password: password.password, signal: world.signal });
      return { password, repository };
    } catch (error) {
      if (!isEngineError(error, "wrong-password")) throw error;
    }
  }
  throw new AgentError(
    "server-untrusted",
    `What is sealed for the repository of ${passwords[0].host} does not open it.`,
    {
      hint: "Its machine may have been taken over, or the server: the password is in the machine's own secrets.json, and in recovery kits.",
    },
  );
}
