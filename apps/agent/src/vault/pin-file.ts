import type { VaultPin } from "@saveos/vault";
import { AgentError } from "../errors/agent-error.ts";
import { replaceFile } from "../host/durable-file.ts";
import { readGuarded } from "../host/guarded-file.ts";
import { parseObject } from "../host/text-fields.ts";

/** The tenant's vault as this machine knows it for certain, with the vault's last choice about names. */
export interface PinnedVault extends VaultPin {
  readonly names: NamesChoice;
}

export interface NamesChoice {
  /** Whether names may be in what the server reads. */
  readonly visible: boolean;
  /** Of the vault's statement that said so; 0 before there was one. */
  readonly serial: number;
}

/** Without a word of the vault, the server sees no names. */
export const noNames: NamesChoice = { visible: false, serial: 0 };

/** Undefined before a vault was pinned. Rejects with `bad-settings` if others than the agent's user or root could have written it, or if it is no pin. */
export async function readPinFile(file: string): Promise<PinnedVault | undefined> {
  const text = await readGuarded(file, "have this machine's repository password sealed to somebody else");
  if (text === undefined) return undefined;
  const {
    recipient,
    verify_key: verifyKey,
    generation,
    names_visible: visible,
    names_serial: serial,
  } = parseObject(file, text);
  if (
    typeof recipient === "string" &&
    typeof verifyKey === "string" &&
    typeof generation === "number" &&
    typeof visible === "boolean" &&
    typeof serial === "number"
  )
    return { recipient, verifyKey, generation, names: { visible, serial } };
  throw new AgentError("bad-settings", `${file} is no pin of a vault.`, {
    hint: "Bring the file back from a copy, or run `saveos-agent vault pin` with the pin that `saveos-agent vault show --pin` prints for an administrator.",
  });
}

/** Replaces the pin whole and durably: after a stop anywhere there is the old one or the new one. */
export async function writePinFile(
  file: string,
  { recipient, verifyKey, generation, names }: PinnedVault,
): Promise<void> {
  const fields = {
    recipient,
    verify_key: verifyKey,
    generation,
    names_visible: names.visible,
    names_serial: names.serial,
  };
  await replaceFile(file, `${JSON.stringify(fields, undefined, 2)}\n`);
}
