import { readFile } from "node:fs/promises";
import { Option } from "commander";
import type { KitRepository, KitStorage, RecoveryKit } from "@saveos/vault";
import { AgentError } from "../errors/agent-error.ts";
import type { ExitCode } from "../errors/exit-code.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import { findVaultPassphrase } from "../repository/find-password.ts";
import { addCommand, type CommandLine, type Invocation, onRun } from "./command-line.ts";
import { openChosen } from "./repository-command.ts";
import { restoreInto, targetFolder } from "./restore-into.ts";
import { summaries } from "./summaries.ts";

interface RecoverOptions {
  readonly machine?: string;
  readonly snapshot: string;
  readonly target?: string;
  readonly storage?: string;
  readonly vaultPassphraseFile?: string;
}

/** `saveos-agent recover` */
export function addRecover(line: CommandLine): void {
  const command = addCommand(line.program, "recover <kit>", {
    summary: summaries.recover,
    description:
      "Opens a recovery kit with the vault passphrase and restores from a machine's repository, wherever the storage is: no server is asked. " +
      "Nothing of what is opened is written down. The steps in the kit itself do the same with stock age and restic.",
    examples: [
      "saveos-agent recover recovery-kit.html --machine web-1 --target restored",
      "saveos-agent recover recovery-kit.html -m web-1 -t restored --storage /mnt/disk/objects --snapshot latest:/etc",
    ],
  });
  command
    .option("-m, --machine <name>", "whose files: a name of the kit, or the beginning of a repository's id")
    .option("-t, --target <folder>", "folder to restore into")
    .addOption(new Option("--snapshot <snapshot>", "which one, and which folder of it after a colon").default("latest"))
    .option("--storage <place>", "where the repositories are now, if not where the kit says: a folder, or s3:…")
    .option("--vault-passphrase-file <file>", "file with the vault passphrase, instead of asking for it");
  onRun<RecoverOptions>(line, command, recover);
}

async function recover(invocation: Invocation<RecoverOptions>): Promise<ExitCode> {
  const { world, options, operands, print } = invocation;
  const kit = await readKit(operands[0] ?? "");
  const repository = findMachine(kit, options.machine);
  const folder = targetFolder(invocation);
  const { openSealedPassword } = await import("@saveos/vault");
  if (repository.sealedPassword === undefined)
    throw new AgentError(
      "no-repository-password",
      `The kit holds no password of the repository of ${repository.host}.`,
      {
        hint: "When it was made, the machine had not sealed it to the vault yet: it is on the machine itself only.",
      },
    );
  const passphrase = await findVaultPassphrase(world, options.vaultPassphraseFile);
  const { password, repositoryId } = await openSealedPassword(
    await openVault(kit, passphrase),
    repository.sealedPassword,
  );
  if (repositoryId !== repository.id)
    throw new AgentError(
      "usage",
      `The kit is damaged: the password that it has for ${repository.host} is another repository's.`,
    );
  await print.info(`Opened the vault of ${kit.tenant}`);
  await using opened = await openChosen(
    invocation,
    { kind: "named", location: await locationOf(kit.storage, repository, options.storage) },
    () => Promise.resolve(password),
  );
  return await restoreInto(invocation, opened, {
    snapshot: options.snapshot,
    among: {},
    folder,
    overwrite: "always",
    delete: false,
    dryRun: false,
    verify: false,
    sparse: false,
    ownershipByName: false,
  });
}

async function readKit(file: string): Promise<RecoveryKit> {
  const page = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError(
      "usage",
      `Could not read the recovery kit ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`,
      {
        cause,
      },
    );
  });
  const { isVaultError, parseRecoveryKit } = await import("@saveos/vault");
  try {
    return parseRecoveryKit(page);
  } catch (cause) {
    if (!isVaultError(cause)) throw cause;
    throw new AgentError("usage", `${file} is no recovery kit, or it is damaged.`, {
      cause,
      hint: "It is the page that `saveos-agent vault kit` or the dashboard made. From paper, follow the steps that are printed on it.",
    });
  }
}

/** The one that was named, or the only one that there is. Throws `usage` with what there is. */
function findMachine({ repositories }: RecoveryKit, wanted: string | undefined): KitRepository {
  const fitting = repositories.filter(
    ({ host, id }) => wanted === undefined || host === wanted || (wanted.length >= 8 && id.startsWith(wanted)),
  );
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const listed = (fitting.length > 1 ? fitting : repositories).map(({ host, id }) => `${host} (${id})`).join(", ");
  const known = `The kit has ${listed === "" ? "none" : listed}.`;
  if (wanted === undefined) throw new AgentError("usage", `No machine was named with --machine. ${known}`);
  throw new AgentError(
    "usage",
    `${fitting.length === 0 ? "No machine" : "More than one machine"} of the kit is ${wanted}. ${known}`,
    {
      hint: "A repository's id, or the first 8 characters of it, names one too.",
    },
  );
}

/** Tries each locked identity: nobody knows whose passphrase it is. */
async function openVault({ lockedIdentities }: RecoveryKit, passphrase: string): Promise<string> {
  const { isVaultError, unlockIdentity } = await import("@saveos/vault");
  let damaged: unknown;
  for (const { locked } of lockedIdentities)
    try {
      return await unlockIdentity(locked, passphrase);
    } catch (error) {
      if (!isVaultError(error, "wrong-passphrase", "damaged")) throw error;
      // One that is damaged must not lock out those who know the passphrase of another.
      if (isVaultError(error, "damaged")) damaged ??= error;
    }
  throw new AgentError("wrong-passphrase", "This passphrase opens none of the kit's keys.", {
    cause: damaged,
    hint:
      damaged === undefined
        ? `It is the passphrase of ${lockedIdentities.map(({ label }) => label).join(" or ")}, as it was when the kit was made.`
        : "One of the kit's keys is damaged: try another copy of the kit.",
  });
}

async function locationOf(storage: KitStorage, repository: KitRepository, place: string | undefined): Promise<string> {
  const vault = await import("@saveos/vault");
  return place === undefined ? vault.locationOf(storage, repository) : `${place.replace(/\/+$/, "")}/${repository.id}`;
}
