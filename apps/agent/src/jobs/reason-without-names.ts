import { isAgentError } from "../errors/agent-error.ts";

/**
 * Why a job failed, for the server, which must not learn the names of files: the engine's own messages may hold some, so each of its codes
 * has a sentence here. The full message stays in the machine's own log.
 */
export function reasonWithoutNames(error: unknown): string {
  if (isAgentError(error)) return sentences[error.code] ?? unknownReason;
  if (error instanceof Error && error.name === "EngineError" && "code" in error && typeof error.code === "string")
    return sentences[error.code] ?? unknownReason;
  return unknownReason;
}

const unknownReason = "The agent failed: its own log says more";

const sentences: Readonly<Record<string, string>> = {
  "no-repository": "The repository is not there",
  "repository-locked": "The repository is locked by somebody else",
  "wrong-password": "The repository does not open with this machine's password",
  "corrupt-data": "Something in the repository is damaged: run a check",
  "not-found": "Something in the repository is missing: run a check",
  "store-unavailable": "The repository could not be reached",
  "store-denied": "The server refused access to the repository",
  "store-full": "The repository is full",
  "source-unreadable": "Nothing of what was to be backed up could be read",
  "invalid-input": "The order can't be carried out: a path or pattern in it makes no sense",
  aborted: "The lock on the repository was lost",
  "bad-settings": "The agent's settings on the machine are broken",
  "server-unavailable": "The server could not be reached",
  "server-untrusted": "The server could not prove who it is",
};
