import { weaknessOf } from "@saveos/vault";
import { AgentError } from "../../errors/agent-error.ts";
import { passwordFromFile } from "../../repository/find-password.ts";
import type { World } from "../../world.ts";

/** A passphrase that opens the vault: from a file, or from the person. */
export async function findPassphrase(world: World, file: string | undefined, whose: string): Promise<string> {
  return file === undefined ? await ask(world, `Passphrase of the vault (${whose}): `) : await passwordFromFile(file);
}

/** A new one: strong enough, and typed twice by a person. Rejects with `usage`. */
export async function findNewPassphrase(world: World, file: string | undefined, whose: string): Promise<string> {
  const passphrase =
    file === undefined ? await ask(world, `New passphrase of the vault (${whose}): `) : await passwordFromFile(file);
  const weakness = weaknessOf(passphrase);
  if (weakness !== undefined)
    throw new AgentError(
      "usage",
      weakness === "too-short"
        ? "This passphrase is too short: it must have at least 12 characters."
        : "This passphrase is too easy to guess.",
      {
        hint: "Five words that have nothing to do with each other are strong and can be kept in mind. It protects every backup, and nobody can reset it.",
      },
    );
  if (file === undefined && (await ask(world, "The same once more: ")) !== passphrase)
    throw new AgentError("usage", "The passphrases differ.");
  return passphrase;
}

async function ask(world: World, question: string): Promise<string> {
  if (world.askSecret === undefined)
    throw new AgentError("usage", "No passphrase was given.", { hint: "Give it in a file: see --help." });
  const passphrase = await world.askSecret(question);
  if (passphrase === "") throw new AgentError("usage", "An empty passphrase is none.");
  return passphrase;
}
