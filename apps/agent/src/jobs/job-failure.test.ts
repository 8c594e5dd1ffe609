import { isWorthRetrying } from "@saveos/contract";
import { EngineError } from "@saveos/engine";
import { VaultError } from "@saveos/vault";
import { expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import { failureOf } from "./job-failure.ts";

test("the reason that the server learns holds no name of a file", () => {
  const error = new EngineError("source-unreadable", "Could not read /home/ann/divorce.odt");
  expect(failureOf(error)).toEqual({
    error: "nothing-readable",
    reason: "Nothing of what was to be backed up could be read",
  });
});

test("an error that nobody foresaw says nothing of itself to the server", () => {
  const odd = [
    new TypeError("undefined /home/ann"),
    Object.assign(new Error("open '/home/ann'"), { code: "EACCES" }),
    "ann",
    Object.assign(new Error("/home/ann"), { name: "EngineError", code: "toString" }),
  ];
  for (const error of odd) {
    expect(failureOf(error).error).toBe("unknown");
    expect(failureOf(error).reason).not.toContain("ann");
  }
});

test.each([
  ["aborted", "lock-lost", true],
  ["store-unavailable", "store-unavailable", true],
  ["repository-locked", "repository-locked", true],
  ["store-full", "store-full", false],
  ["store-denied", "store-denied", false],
  ["corrupt-data", "damaged-repository", false],
  ["not-found", "damaged-repository", false],
  ["wrong-password", "wrong-password", false],
  ["invalid-input", "invalid-order", false],
] as const)("the engine's %s is the job's %s (worth another try: %s)", (code, error, isRetried) => {
  expect(failureOf(new EngineError(code, "x")).error).toBe(error);
  expect(isWorthRetrying(error)).toBe(isRetried);
});

test("what an order says of itself, and what a hook did, is told as it is", () => {
  expect(failureOf(new AgentError("invalid-order", "The snapshot is not in the repository"))).toEqual({
    error: "invalid-order",
    reason: "The snapshot is not in the repository",
  });
  expect(failureOf(new AgentError("hook-failed", 'hook "stop-db" ended with 1 after 0.1 s')).error).toBe("hook-failed");
});

test("what was sealed to another machine is an order that can't be carried out", () => {
  expect(failureOf(new VaultError("not-for-us", "x")).error).toBe("invalid-order");
});
