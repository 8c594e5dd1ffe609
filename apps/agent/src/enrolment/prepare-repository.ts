import { AgentError } from "../errors/agent-error.ts";
import { writeConfig } from "../host/config-file.ts";
import { machineFacts } from "../host/facts.ts";
import { connectStore } from "../repository/connect-store.ts";
import { repositoryDeps } from "../repository/open-repository.ts";
import type { World } from "../world.ts";
import type { EnrolledMachine } from "./enrolled-machine.ts";

/**
 * Makes the repository at the server, or opens the one that is there already, and notes that it is ready. May be run again after any failure.
 * Resolves with whether it was made now. Rejects with `usage` if it is there and its password is another.
 */
export async function prepareRepository(
  world: World,
  machine: EnrolledMachine,
  onRetry: (message: string) => void,
): Promise<{ readonly isNew: boolean }> {
  const { initRepository, isEngineError, openRepository } = await import("@saveos/engine");
  const settings = {
    caFile: undefined,
    extended: new Map(),
    uploadBytesPerSecond: undefined,
    downloadBytesPerSecond: undefined,
    onRetry,
  };
  await using connected = await connectStore(world, { kind: "enrolled", machine }, settings);
  const deps = await repositoryDeps(world, connected.store);
  const { hostname, username } = machineFacts();
  const access = { password: machine.secrets.repositoryPassword, signal: world.signal };
  let isNew = false;
  try {
    await openRepository(deps, access);
  } catch (error) {
    if (isEngineError(error, "wrong-password")) throw anotherPassword(error);
    if (!isEngineError(error, "no-repository")) throw error;
    await initRepository(deps, { ...access, hostname, username });
    isNew = true;
  }
  await writeConfig(machine.home.configFile, { ...machine.config, repositoryReady: true });
  return { isNew };
}

function anotherPassword(cause: unknown): AgentError {
  return new AgentError("usage", "The repository that this machine takes over exists, and its password is another.", {
    cause,
    hint: "Give its password: `saveos-agent register --resume --repository-password-file FILE`.",
  });
}
