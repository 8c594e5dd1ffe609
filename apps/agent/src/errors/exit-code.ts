import { isAgentError } from "./agent-error.ts";

/** Exit codes are restic's (restic manual, "Scripting", exit codes), so that scripts made for restic keep working. */
export const exitCode = {
  done: 0,
  failed: 1,
  sourceIncomplete: 3,
  removalIncomplete: 3,
  noRepository: 10,
  repositoryLocked: 11,
  wrongPassword: 12,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/**
 * The exit code for an error that ended a command. An error met while `signal` is aborted is the interruption itself,
 * whatever the interrupted step called it.
 */
export function exitCodeOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted || isAgentError(error, "interrupted")) return exitCode.interrupted;
  if (isAgentError(error, "wrong-passphrase")) return exitCode.wrongPassword;
  switch (engineCodeOf(error)) {
    case "no-repository":
      return exitCode.noRepository;
    case "repository-locked":
      return exitCode.repositoryLocked;
    case "wrong-password":
      return exitCode.wrongPassword;
    default:
      return exitCode.failed;
  }
}

/** Looks at the name instead of the class: importing the engine only to fail would make every typing error slow. */
function engineCodeOf(error: unknown): unknown {
  return error instanceof Error && error.name === "EngineError" && "code" in error ? error.code : undefined;
}
