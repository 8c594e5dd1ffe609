import { isVaultError, parsePin, type VaultPin } from "@saveos/vault";
import { requireEnrolment } from "../../enrolment/enrolled-machine.ts";
import { AgentError } from "../../errors/agent-error.ts";
import { messageOf } from "../../errors/system-error.ts";
import { exitCode, type ExitCode } from "../../errors/exit-code.ts";
import { noNames, readPinFile, writePinFile } from "../../vault/pin-file.ts";
import { sealNow } from "../../vault/seal-now.ts";
import type { Invocation } from "../command-line.ts";

/** Pins the vault on this machine, by the hand of whoever may change its configuration, and seals the password to it. */
export async function pinVault(invocation: Invocation): Promise<ExitCode> {
  const { world, global, operands, print } = invocation;
  const machine = await requireEnrolment(world, global);
  const pin = pinFromPerson(operands[0] ?? "");
  const { vaultFile } = machine.home;
  // A broken or foreign file is what this command mends.
  const before = await readPinFile(vaultFile).catch(() => undefined);
  if (before?.recipient !== pin.recipient || before.verifyKey !== pin.verifyKey)
    await writePinFile(vaultFile, { ...pin, names: noNames });
  await print.info(
    `Pinned the vault ${pin.recipient}${before === undefined ? "" : `, in place of ${before.recipient}`}`,
  );
  try {
    await sealNow(world, machine);
  } catch (error) {
    await print.partial(
      `The password could not be sealed to it yet: ${messageOf(error)}. The daemon will try again.`,
      exitCode.failed,
    );
    return exitCode.failed;
  }
  await print.result(print.style.good("The repository's password is sealed to the vault."));
  await print.record({ message_type: "vault_pinned", recipient: pin.recipient, generation: pin.generation });
  return exitCode.done;
}

/** Reads a pin that a person typed. Rejects with `usage`. */
export function pinFromPerson(text: string): VaultPin {
  try {
    return parsePin(text);
  } catch (error) {
    if (!isVaultError(error)) throw error;
    throw new AgentError("usage", "This is no pin of a vault.", {
      cause: error,
      hint: "It begins with saveos-vault: and an administrator gets it with `saveos-agent vault show --pin`.",
    });
  }
}
