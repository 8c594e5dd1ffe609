import path from "node:path";
import { type SealedPasswordOf, tenantList } from "@saveos/contract";
import { type KitLanguage, type KitStorage, type RecoveryKit, renderRecoveryKit } from "@saveos/vault";
import { parseAnswer } from "../../daemon/http-exchange.ts";
import { AgentError } from "../../errors/agent-error.ts";
import { nowText } from "../../host/clock.ts";
import { replaceFile } from "../../host/durable-file.ts";
import { plural } from "../../terminal/quantities.ts";
import type { Invocation } from "../command-line.ts";
import { byTrust } from "./sealed-passwords.ts";
import { type ServerOptions, VaultServer } from "./vault-server.ts";

export interface KitOptions extends ServerOptions {
  readonly storage?: string;
  readonly region: string;
  readonly language?: KitLanguage;
  readonly output: string;
}

/** Writes the recovery kit: what it holds opens with a passphrase only, so none is asked for. */
export async function writeKit(invocation: Invocation<KitOptions>): Promise<void> {
  const { world, options, print } = invocation;
  const storage = storageOf(options);
  await using server = await VaultServer.find(invocation);
  const kit = await gatherKit(server, storage, nowText(world.clock));
  const file = path.resolve(world.workingFolder, options.output);
  await replaceFile(file, renderRecoveryKit(kit, options.language ?? languageOf(world.env)));
  const unsealed = kit.repositories.length === 0 ? " No machine has sealed its password to the vault yet." : "";
  await print.result(
    `The recovery kit is in ${file}: ${plural(kit.repositories.length, "repository", "repositories")}, ` +
      `${plural(kit.lockedIdentities.length, "passphrase")}.${unsealed}`,
    "Print it, and keep a copy away from the server. It opens nothing without the vault's passphrase.",
  );
  await print.record({ message_type: "recovery_kit", file, repositories: kit.repositories.length });
}

async function gatherKit(server: VaultServer, storage: KitStorage, madeAt: string): Promise<RecoveryKit> {
  const { generation } = await server.vault();
  const passphrases = (await server.passphrases()).filter((each) => each.generation === generation);
  // A key belongs to one tenant and sees no other.
  const { tenants } = parseAnswer(tenantList, await server.ask({ method: "GET", path: "/api/v1/tenants" }), server.url);
  const lockedIdentities = [];
  for (const { id, label } of passphrases)
    lockedIdentities.push({ label, locked: (await server.lockedIdentity(id)).locked_identity });
  const sealed = (await server.sealedPasswords()).filter((each) => each.generation === generation);
  return {
    tenant: tenants[0]?.name ?? "",
    madeAt,
    server: server.url,
    storage,
    lockedIdentities,
    repositories: repositoriesOf(sealed),
  };
}

/** Of each repository the password to trust first; whoever sealed another later is not asked. */
function repositoriesOf(sealed: readonly SealedPasswordOf[]): RecoveryKit["repositories"] {
  const byRepository = Map.groupBy(sealed.toSorted(byTrust), ({ repository_id: id }) => id);
  const repositories = [...byRepository].flatMap(([id, [first]]) =>
    first === undefined ? [] : [{ id, host: first.hostname, sealedPassword: first.sealed }],
  );
  return repositories.toSorted((one, other) => one.host.localeCompare(other.host) || one.id.localeCompare(other.id));
}

/** A folder, or `s3:https://host/bucket/prefix`, without the repository's own name at its end. */
function storageOf({ storage, region }: Pick<KitOptions, "storage" | "region">): KitStorage {
  if (storage === undefined)
    throw new AgentError("usage", "Where the server keeps the repositories was not said.", {
      hint: "Give it with --storage: the folder `objects` in the server's data folder, or s3:https://host/bucket/prefix.",
    });
  if (!storage.startsWith("s3:")) return { kind: "folder", path: storage.replace(/(?<=.)\/+$/, "") };
  const [, endpoint, bucket, prefix] = /^s3:(https?:\/\/[^/]+)\/([^/]+)(?:\/(.+?))?\/*$/.exec(storage) ?? [];
  if (endpoint === undefined || bucket === undefined)
    throw new AgentError("usage", `${storage} names no bucket.`, {
      hint: "It looks like s3:https://s3.example.org/bucket/prefix.",
    });
  return { kind: "s3", endpoint, bucket, prefix, region };
}

/** As the person's other programs speak (`LC_ALL`, `LC_MESSAGES`, `LANG`). */
function languageOf(env: Readonly<Record<string, string | undefined>>): KitLanguage {
  const locale = env["LC_ALL"] || env["LC_MESSAGES"] || env["LANG"] || "";
  return locale.startsWith("fr") ? "fr" : "en";
}
