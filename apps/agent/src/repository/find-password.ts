import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import type { World } from "../world.ts";
import { mainRepository } from "./repository-role.ts";
import { splitWords } from "./split-words.ts";

export interface PasswordOptions {
  readonly passwordFile: string | undefined;
  readonly passwordCommand: string | undefined;
}

/**
 * The repository's password: from the options, then SAVEOS_PASSWORD, then restic's variables, then the person. Rejects with `usage` if
 * there is none, or more than one is asked for.
 */
export async function findPassword(
  world: World,
  options: PasswordOptions,
  { optionPrefix, variablePrefix, title } = mainRepository,
): Promise<string> {
  const variable = (name: string) => world.env[name.replace("_", `_${variablePrefix}`)];
  if (options.passwordFile !== undefined && options.passwordCommand !== undefined)
    throw new AgentError(
      "usage",
      `--${optionPrefix}password-file and --${optionPrefix}password-command can't be used together.`,
    );
  if (options.passwordCommand !== undefined) return await passwordFromCommand(options.passwordCommand);
  if (options.passwordFile !== undefined) return await passwordFromFile(options.passwordFile);
  const given = variable("SAVEOS_PASSWORD");
  if (given) return given;
  const command = variable("RESTIC_PASSWORD_COMMAND");
  if (command) return await passwordFromCommand(command);
  const file = variable("RESTIC_PASSWORD_FILE");
  if (file) return await passwordFromFile(file);
  return variable("RESTIC_PASSWORD") || (await askPassword(world, `Password of the ${title}: `));
}

/** A new password: from the file, or from the person, who types it twice. */
export async function findNewPassword(world: World, file: string | undefined): Promise<string> {
  if (file !== undefined) return await passwordFromFile(file);
  const password = await askPassword(world, "New password of the repository: ");
  if ((await askPassword(world, "The same once more: ")) !== password)
    throw new AgentError("usage", "The passwords differ.");
  return password;
}

/** The vault's passphrase: from the file, or from the person. */
export async function findVaultPassphrase(world: World, file: string | undefined): Promise<string> {
  if (file !== undefined) return await passwordFromFile(file);
  if (world.askSecret === undefined)
    throw new AgentError("usage", "No vault passphrase was given.", { hint: "Give it with --vault-passphrase-file." });
  return notEmpty(await world.askSecret("Vault passphrase: "), "An empty passphrase is not allowed.");
}

/** The first line's text; white space around it is cut off, as restic does. */
export async function passwordFromFile(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError(
      "usage",
      `Could not read the password file ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`,
      { cause },
    );
  });
  return notEmpty(text.replace(/^\uFEFF/, "").trim(), `The password file ${file} is empty.`);
}

async function passwordFromCommand(line: string): Promise<string> {
  const [program = "", ...args] = splitWords(line);
  const { stdout } = await promisify(execFile)(program, args).catch((cause: unknown) => {
    throw new AgentError(
      "usage",
      `The password command ${program} failed: ${systemErrorCode(cause) ?? messageOf(cause).split("\n")[0]}`,
      { cause },
    );
  });
  return notEmpty(stdout.trim(), `The password command ${program} printed nothing.`);
}

async function askPassword(world: World, question: string): Promise<string> {
  if (world.askSecret === undefined)
    throw new AgentError("usage", "No password was given.", {
      hint: "Give it with --password-file, --password-command or SAVEOS_PASSWORD.",
    });
  return notEmpty(await world.askSecret(question), "An empty password is not allowed.");
}

function notEmpty(password: string, message: string): string {
  if (password === "") throw new AgentError("usage", message);
  return password;
}
