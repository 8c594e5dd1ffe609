import type { Enrolment } from "@saveos/contract";
import { findEnrolment, homeOf, type EnrolledMachine } from "../enrolment/enrolled-machine.ts";
import { enrol } from "../enrolment/enrol.ts";
import { prepareRepository } from "../enrolment/prepare-repository.ts";
import { readEnrolmentFile, readEnrolmentParts, readEnrolmentStream } from "../enrolment/read-enrolment.ts";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf } from "../errors/system-error.ts";
import { readConfig } from "../host/config-file.ts";
import type { Home } from "../host/home.ts";
import { readSecrets, writeSecrets } from "../host/secrets-file.ts";
import { passwordFromFile } from "../repository/find-password.ts";
import type { Invocation } from "./command-line.ts";
import { pinFromPerson } from "./vault/pin.ts";
import { version } from "./version.ts";

export interface RegisterOptions {
  readonly server?: string;
  readonly ca?: string;
  readonly tokenFile?: string;
  readonly repositoryPasswordFile?: string;
  /** A pin, as `saveos-agent vault show --pin` prints it. */
  readonly vault?: string;
  readonly resume?: true;
}

/** Enrols this machine, or goes on with an enrolment that stopped half-way. */
export async function registerMachine(invocation: Invocation<RegisterOptions>): Promise<void> {
  const { world, global, options, print } = invocation;
  const home = homeOf(world, global);
  const password =
    options.repositoryPasswordFile === undefined ? undefined : await passwordFromFile(options.repositoryPasswordFile);
  const present = await readConfig(home.configFile);
  // The token is spent and the repository not there yet: whatever file was given, what is left to do is the repository.
  const isHalfWay = present !== undefined && !present.repositoryReady;
  if (options.resume && !isHalfWay)
    throw new AgentError(
      "usage",
      present === undefined
        ? "There is no enrolment to go on with."
        : "This machine is enrolled: nothing is left to do.",
    );
  if (!isHalfWay) {
    const enrolment = withVault(await readEnrolment(invocation), options.vault);
    const config = await enrol(world, home, { enrolment, repositoryPassword: password, agentVersion: version });
    await print.info(`Enrolled with ${config.serverUrl} as agent ${config.agentId}`);
  }
  const machine = await enrolledMachine(home, isHalfWay ? password : undefined);
  const { isNew } = await prepareRepository(world, machine, (message) => void print.warn(message));
  await tellDone(invocation, machine, isNew, await trySeal(invocation, machine));
}

/** The machine is enrolled whatever comes of this: the daemon tries again. */
async function trySeal({ world, print }: Invocation<RegisterOptions>, machine: EnrolledMachine): Promise<boolean> {
  const { sealNow } = await import("../vault/seal-now.ts");
  try {
    return await sealNow(world, machine);
  } catch (error) {
    await print.warn(`The password could not be sealed to the vault: ${messageOf(error)}. The daemon will try again.`);
    return false;
  }
}

/** What a person brings from the vault itself counts, and not what came through the server. */
function withVault(enrolment: Enrolment, text: string | undefined): Enrolment {
  if (text === undefined) return enrolment;
  const { recipient, verifyKey, generation } = pinFromPerson(text);
  if (enrolment.vault !== undefined && enrolment.vault.recipient !== recipient)
    throw new AgentError("usage", "The enrolment names another vault than --vault.", {
      hint: "Ask who gave you the two. If the server was taken over, it may have put a vault of its own into the enrolment.",
    });
  return { ...enrolment, vault: { recipient, verify_key: verifyKey, generation } };
}

async function readEnrolment({ world, options, operands }: Invocation<RegisterOptions>) {
  const [file] = operands;
  const { server, ca, tokenFile } = options;
  if (file === "-") return await readEnrolmentStream(world.stdin);
  if (file !== undefined) return await readEnrolmentFile(file);
  if (server !== undefined && ca !== undefined && tokenFile !== undefined)
    return await readEnrolmentParts({ serverUrl: server, caFile: ca, tokenFile });
  throw new AgentError("usage", "No enrolment was given.", {
    hint: "Give the enrolment file, - for standard input, or --server, --ca and --token-file together.",
  });
}

async function enrolledMachine(home: Home, newPassword: string | undefined): Promise<EnrolledMachine> {
  if (newPassword !== undefined)
    await writeSecrets(home.secretsFile, {
      ...(await readSecrets(home.secretsFile)),
      repositoryPassword: newPassword,
    });
  const machine = await findEnrolment(home);
  if (machine === undefined) throw new AgentError("bad-settings", `${home.configFile} is gone.`);
  return machine;
}

async function tellDone(
  { print }: Invocation<RegisterOptions>,
  { home, config }: EnrolledMachine,
  isNew: boolean,
  isSealed: boolean,
): Promise<void> {
  await print.result(
    print.style.good(
      isNew
        ? "This machine is enrolled, and its repository is made."
        : "This machine is enrolled, and its repository opens.",
    ),
    "",
    `The repository's password is in ${print.style.strong(home.secretsFile)}.`,
    ...(isSealed
      ? ["A copy is sealed to your organisation's vault: its administrators can open it, the server can't."]
      : [
          "Keep a copy of it somewhere safe and apart from this machine: without it no backup can be",
          "opened, not even by the server, which does not know it.",
        ]),
    "",
    "Next: `saveos-agent backup FOLDER` backs up now, `saveos-agent daemon` waits for orders.",
  );
  await print.record({
    message_type: "registered",
    server_url: config.serverUrl,
    agent_id: config.agentId,
    repository_id: config.repositoryId,
    repository_created: isNew,
    secrets_file: home.secretsFile,
    sealed_to_vault: isSealed,
  });
}
