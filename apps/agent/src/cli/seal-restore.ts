import { type RestoreSecrets, restoreSecrets, sealedSecrets } from "@saveos/contract";
import { requireEnrolment } from "../enrolment/enrolled-machine.ts";
import { AgentError } from "../errors/agent-error.ts";
import { passwordFromFile } from "../repository/find-password.ts";
import type { Invocation } from "./command-line.ts";

export interface SealRestoreOptions {
  readonly recipient?: string;
  readonly repositoryPasswordFile?: string;
  /** False with `--no-password`. */
  readonly password?: boolean;
}

/** Seals what a machine needs to know for a restore and the server must not: which files, and the password of the repository. */
export async function sealRestore(invocation: Invocation<SealRestoreOptions>): Promise<void> {
  const { options, operands, print } = invocation;
  const { recipient } = options;
  if (recipient === undefined)
    throw new AgentError("usage", "For whom it is to be sealed was not said.", {
      hint: "Give the machine that restores with --recipient: `saveos-agent status` on that machine shows it.",
    });
  const sealed = await sealSecrets(recipient, operands, await passwordToSeal(invocation));
  await print.result(sealed);
  await print.record({ message_type: "sealed", recipient, sealed });
}

async function passwordToSeal({ world, global, options }: Invocation<SealRestoreOptions>): Promise<string | undefined> {
  if (options.password === false && options.repositoryPasswordFile !== undefined)
    throw new AgentError("usage", "--no-password and --repository-password-file can't be used together.");
  if (options.repositoryPasswordFile !== undefined) return await passwordFromFile(options.repositoryPasswordFile);
  return options.password === false ? undefined : (await requireEnrolment(world, global)).secrets.repositoryPassword;
}

/** Seals paths of a snapshot, and a repository's password if one is needed, to the machine that restores: the `sealed` of an order. Rejects with `usage`. */
export async function sealSecrets(
  recipient: string,
  paths: readonly string[],
  password: string | undefined,
): Promise<string> {
  const secrets = secretsToSeal(paths, password);
  const { isVaultError, seal } = await import("@saveos/vault");
  try {
    const sealed = await seal(recipient, new TextEncoder().encode(JSON.stringify(secrets)));
    if (sealedSecrets.safeParse(sealed).success) return sealed;
  } catch (error) {
    if (!isVaultError(error, "invalid-recipient")) throw error;
    throw new AgentError("usage", `${recipient} is no recipient of a machine.`, {
      cause: error,
      hint: "It begins with age1: `saveos-agent status` on the machine that restores shows it.",
    });
  }
  throw new AgentError("usage", "These are too many paths for one order: name the folders above them.");
}

function secretsToSeal(paths: readonly string[], password: string | undefined): RestoreSecrets {
  const relative = paths.find((path) => !path.startsWith("/"));
  if (relative !== undefined)
    throw new AgentError("usage", `${relative} does not begin with /`, {
      hint: "Name paths as the snapshot has them: `saveos-agent ls latest` shows them.",
    });
  if (paths.length === 0 && password === undefined)
    throw new AgentError("usage", "There is nothing to seal: no path and no password.", {
      hint: "A restore of a whole snapshot from the machine's own repository needs nothing sealed.",
    });
  const secrets = {
    ...(paths.length === 0 ? {} : { paths }),
    ...(password === undefined ? {} : { repository_password: password }),
  };
  const parsed = restoreSecrets.safeParse(secrets);
  if (parsed.success) return parsed.data;
  // Not zod's words: they may repeat the password.
  throw new AgentError("usage", "These are too many paths for one order, or one of them is too long.");
}
