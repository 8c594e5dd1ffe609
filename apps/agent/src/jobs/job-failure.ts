import type { JobError } from "@saveos/contract";
import type { EngineErrorCode } from "@saveos/engine";
import type { VaultErrorCode } from "@saveos/vault";
import type { AgentErrorCode } from "../errors/agent-error.ts";

/** Why a job failed, for the server: a code for programs, a sentence for people. Neither holds the name of a file. */
export interface JobFailure {
  readonly error: JobError;
  readonly reason: string;
}

/**
 * What the server is told of an error. Errors' own messages may hold names, which stay in the machine's own log; so each code of each package has
 * its sentence here. Only those of an agent that have `itself` for a reason speak for themselves: they are made for this.
 */
export function failureOf(error: unknown): JobFailure {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return unknownFailure;
  switch (error.name) {
    case "EngineError":
      return lookUp(ofEngine, error.code);
    case "VaultError":
      return lookUp(ofVault, error.code);
    case "AgentError": {
      const failure = lookUp(ofAgent, error.code);
      return failure.reason === itself ? { ...failure, reason: error.message } : failure;
    }
    default:
      return unknownFailure;
  }
}

function lookUp(table: Readonly<Record<string, JobFailure>>, code: string): JobFailure {
  return (Object.hasOwn(table, code) ? table[code] : undefined) ?? unknownFailure;
}

const unknownFailure: JobFailure = { error: "unknown", reason: "The agent failed: its own log says more" };

const damaged = "damaged-repository";

const ofEngine: Readonly<Record<EngineErrorCode, JobFailure>> = {
  "no-repository": { error: "no-repository", reason: "The repository is not there" },
  "repository-locked": { error: "repository-locked", reason: "The repository is locked by somebody else" },
  "wrong-password": { error: "wrong-password", reason: "The repository does not open with the password that there is" },
  "corrupt-data": { error: damaged, reason: "Something in the repository is damaged: run a check" },
  "not-found": { error: damaged, reason: "Something in the repository is missing: run a check" },
  "already-exists": { error: "unknown", reason: "Something is in the repository that may not be replaced" },
  "store-unavailable": { error: "store-unavailable", reason: "The repository could not be reached" },
  "store-denied": { error: "store-denied", reason: "The server refused access to the repository" },
  "store-full": { error: "store-full", reason: "The repository is full" },
  "source-unreadable": {
    error: "nothing-readable",
    reason: "Nothing of what was to be backed up could be read",
  },
  "target-unwritable": { error: "unknown", reason: "The folder to restore into can't be written" },
  unsupported: { error: "unknown", reason: "This version of the agent, or the machine's system, can't do it" },
  "invalid-input": {
    error: "invalid-order",
    reason: "The order can't be carried out: a path or pattern in it makes no sense",
  },
  aborted: { error: "lock-lost", reason: "The lock on the repository was lost" },
};

const ofVault: Readonly<Record<VaultErrorCode, JobFailure>> = {
  "not-for-us": { error: "invalid-order", reason: "What the order holds was sealed to another machine" },
  damaged: { error: "invalid-order", reason: "What is sealed in the order is damaged" },
  "invalid-identity": { error: "unknown", reason: "The agent's identity on the machine is broken" },
  "invalid-recipient": unknownFailure,
  "invalid-text": unknownFailure,
  "wrong-passphrase": unknownFailure,
  "not-signed": unknownFailure,
};

/** In place of a reason: the error's own message, which was written without names. */
const itself = "";

const refused = { error: "store-denied", reason: "The server refused this machine" } as const;

const ofAgent: Readonly<Record<AgentErrorCode, JobFailure>> = {
  usage: { error: "invalid-order", reason: "The order can't be carried out on this machine: its own log says more" },
  "bad-settings": { error: "unknown", reason: "The agent's settings on the machine are broken" },
  "not-enrolled": refused,
  "already-enrolled": unknownFailure,
  "enrolment-refused": refused,
  "server-unavailable": { error: "store-unavailable", reason: "The server could not be reached" },
  "server-refused": refused,
  "credential-refused": refused,
  "server-untrusted": { error: "store-denied", reason: "The server could not prove who it is" },
  "identity-conflict": refused,
  "folder-not-allowed": {
    error: "invalid-order",
    reason:
      "The machine doesn't allow what comes from another one to be restored into this folder: its restore-folders.json must name it",
  },
  "invalid-order": { error: "invalid-order", reason: itself },
  "nothing-to-back-up": { error: "nothing-readable", reason: "Nothing of what was to be backed up is there" },
  "no-repository-password": {
    error: "wrong-password",
    reason: "The repository is another machine's, and the order brings no password for it",
  },
  "wrong-passphrase": unknownFailure,
  "clock-off": { error: "clock-off", reason: itself },
  "too-few-snapshots": { error: "too-few-snapshots", reason: itself },
  "deletion-refused": { error: "deletion-refused", reason: itself },
  "hook-failed": { error: "hook-failed", reason: itself },
  cancelled: unknownFailure,
  interrupted: { error: "agent-stopped", reason: "The agent was stopped" },
  "output-closed": { error: "agent-stopped", reason: "The agent was stopped" },
};
