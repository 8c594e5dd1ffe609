import { EngineError, type EngineErrorCode } from "@saveos/engine";
import { expect, test } from "vitest";
import { AgentError } from "./agent-error.ts";
import { exitCodeOf } from "./exit-code.ts";

const running = new AbortController().signal;

test.each<[EngineErrorCode, number]>([
  ["no-repository", 10],
  ["repository-locked", 11],
  ["wrong-password", 12],
  ["store-unavailable", 1],
  ["corrupt-data", 1],
])("the engine's %s ends with exit code %i, as restic", (code, expected) => {
  expect(exitCodeOf(new EngineError(code, "so"), running)).toBe(expected);
});

test("an interruption ends with 130, whatever the interrupted step called it", () => {
  expect(exitCodeOf(new EngineError("store-unavailable", "cut"), AbortSignal.abort())).toBe(130);
  expect(exitCodeOf(new AgentError("interrupted", "Ctrl-C at the password"), running)).toBe(130);
});

test("anything else ends with 1", () => {
  expect(exitCodeOf(new AgentError("usage", "what?"), running)).toBe(1);
  expect(exitCodeOf("thrown text", running)).toBe(1);
});
