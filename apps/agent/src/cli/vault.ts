import { type Command, Option } from "commander";
import { addCommand, type CommandLine, onRun } from "./command-line.ts";
import { summaries } from "./summaries.ts";
import type { AddPassphraseOptions } from "./vault/change-passphrases.ts";
import type { InitOptions } from "./vault/init.ts";
import type { KitOptions } from "./vault/kit.ts";
import type { OpenPasswordOptions } from "./vault/open.ts";
import type { OpenOptions } from "./vault/open-vault.ts";
import type { RotateOptions } from "./vault/rotate.ts";
import type { SealRestoreByVaultOptions } from "./vault/seal-restore.ts";
import type { ShowOptions } from "./vault/show.ts";
import type { ServerOptions } from "./vault/vault-server.ts";

// What these commands do is loaded when they run: it takes its time to load.

/** `saveos-agent vault`: the keys of an organisation, for who administers it; and which vault this machine trusts. */
export function addVault(line: CommandLine): void {
  const vault = addCommand(line.program, "vault", {
    summary: summaries.vault,
    description:
      "The vault opens the repositories of all machines. It is made and opened here; the server keeps it locked and can't open it. " +
      "Passphrases are asked for, and never sent.",
    examples: [
      "saveos-agent vault init --server https://backup.example:8443 --cacert authority.pem --api-key-file key",
      "saveos-agent vault open web1 --password-to web1.password",
    ],
  });
  const init = addCommand(vault, "init", {
    summary: "Make the vault, once",
    examples: ["saveos-agent vault init --label Ann"],
  });
  init
    .option("--label <name>", "whose passphrase it is, for the others to know")
    .option("--passphrase-file <file>", "file that holds the new passphrase");
  addServerOptions(init);
  onRun<InitOptions>(line, init, async (run) => (await import("./vault/init.ts")).initVault(run));

  const show = addCommand(vault, "show", {
    summary: "Say how the vault is, and who can open it",
    examples: ["saveos-agent vault show", "saveos-agent vault show --pin"],
  });
  show.option("--pin", "print its pin, for machines: worked out from its identity, not by the server's word");
  addOpenOptions(show);
  onRun<ShowOptions>(line, show, async (run) => (await import("./vault/show.ts")).showVault(run));

  const open = addCommand(vault, "open <repository>", {
    summary: "Open a repository's password",
    description: "The repository is named by its id, or by its machine's name.",
    examples: [
      "saveos-agent vault open web1 --password-to web1.password",
      'restic --password-command "saveos-agent vault open web1 --passphrase-file p --password-to -" …',
    ],
  });
  open.option("--password-to <file>", "new file for the password, which only you can read; - is standard output");
  addOpenOptions(open);
  onRun<OpenPasswordOptions>(line, open, async (run) => (await import("./vault/open.ts")).openPassword(run));

  const sealRestore = addCommand(vault, "seal-restore <machine> [paths...]", {
    summary: "Seal what a machine needs for an ordered restore",
    description:
      "Prints the `sealed` of an order for a restore (POST /api/v1/restore), as `saveos-agent seal-restore` does, without being at either machine: " +
      "recipient and password come out of the vault. Machines are named as in `vault open`.",
    examples: [
      "saveos-agent vault seal-restore web1 /etc/fstab",
      "saveos-agent vault seal-restore web2 --from web1 /home/ann/notes.txt",
    ],
  });
  sealRestore
    .option("--from <machine>", "whose files they are, if it isn't the machine that restores")
    .option("--snapshot <id>", "the snapshot that has the paths; the latest if left out");
  addOpenOptions(sealRestore);
  onRun<SealRestoreByVaultOptions>(line, sealRestore, async (run) =>
    (await import("./vault/seal-restore.ts")).sealRestoreByVault(run),
  );

  const kit = addCommand(vault, "kit", {
    summary: "Write the recovery kit: one page to print that opens everything without SaveOS",
    description:
      "It says what there is and where, and how stock age and restic open it with the vault passphrase. Make a new one when a machine or a passphrase is added.",
    examples: [
      "saveos-agent vault kit --storage /var/lib/saveos/objects",
      "saveos-agent vault kit --storage s3:https://s3.example.org/backups/saveos --language fr --output kit.html",
    ],
  });
  kit
    .option("--storage <place>", "where the server keeps the repositories: a folder, or s3:https://host/bucket/prefix")
    .addOption(new Option("--region <name>", "the bucket's region").default("us-east-1"))
    .addOption(new Option("--language <language>", "en or fr; left out, as the environment says").choices(["en", "fr"]))
    .addOption(new Option("--output <file>", "file to write").default("recovery-kit.html"));
  addServerOptions(kit);
  onRun<KitOptions>(line, kit, async (run) => (await import("./vault/kit.ts")).writeKit(run));

  const add = addCommand(vault, "add-passphrase <name>", {
    summary: "Let somebody open the vault with a passphrase of their own",
    examples: ["saveos-agent vault add-passphrase Bob --label Ann"],
  });
  add.option("--new-passphrase-file <file>", "file that holds the new passphrase");
  addOpenOptions(add);
  onRun<AddPassphraseOptions>(line, add, async (run) =>
    (await import("./vault/change-passphrases.ts")).addPassphrase(run),
  );

  const remove = addCommand(vault, "remove-passphrase <name>", {
    summary: "Remove a passphrase of the vault",
    examples: ["saveos-agent vault remove-passphrase Bob"],
  });
  addServerOptions(remove);
  onRun<ServerOptions>(line, remove, async (run) =>
    (await import("./vault/change-passphrases.ts")).removePassphrase(run),
  );

  const rotate = addCommand(vault, "rotate", {
    summary: "Give the vault a new identity",
    description:
      "For when a passphrase, or a locked identity with its passphrase, may be in wrong hands. Machines seal their passwords again by themselves.",
    examples: ["saveos-agent vault rotate", "saveos-agent vault rotate --resume"],
  });
  rotate
    .option("--new-passphrase-file <file>", "file that holds the new identity's passphrase")
    .option("--resume", "go on with a rotation that stopped half-way, with a passphrase from before it");
  addOpenOptions(rotate);
  onRun<RotateOptions>(line, rotate, async (run) => (await import("./vault/rotate.ts")).rotateVault(run));

  const names = addCommand(vault, "names <show|hide>", {
    summary: "Choose whether the server may see names of files in reports",
    description: "Without this choice it sees none. For those who own their server.",
    examples: ["saveos-agent vault names show"],
  });
  addOpenOptions(names);
  onRun<OpenOptions>(line, names, async (run) => (await import("./vault/names.ts")).chooseNames(run));

  const pin = addCommand(vault, "pin <pin>", {
    summary: "Have this machine trust a vault",
    description:
      "For a machine that was enrolled before there was a vault, or that refuses another vault for good reason.",
    examples: ["sudo saveos-agent vault pin --system saveos-vault:1:age1…:…"],
  });
  onRun(line, pin, async (run) => (await import("./vault/pin.ts")).pinVault(run));
}

function addOpenOptions(command: Command): void {
  command
    .option("--label <name>", "whose passphrase opens the vault, if there are several")
    .option("--passphrase-file <file>", "file that holds the passphrase");
  addServerOptions(command);
}

function addServerOptions(command: Command): void {
  command
    .option("--server <url>", "the server's address, if it isn't this machine's")
    .option("--api-key-file <file>", "file that holds an administrator's API key, if SAVEOS_API_KEY doesn't");
}
