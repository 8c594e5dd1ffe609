import { expect, test } from "vitest";
import { EngineError } from "./engine-error.ts";

const denied = Object.assign(new Error("open failed"), { code: "EACCES" });

test("an error knows the system's code behind it, however often it was wrapped", () => {
  const inner = new EngineError("source-unreadable", "x can't be read", { cause: denied });
  expect(inner.systemCode).toBe("EACCES");
  expect(new EngineError("source-unreadable", "nothing can be read", { cause: inner }).systemCode).toBe("EACCES");
});

test("what is no code of the system is not taken for one", () => {
  const odd = Object.assign(new Error("x"), { code: "ERR_INVALID_ARG" });
  expect(new EngineError("corrupt-data", "x", { cause: odd }).systemCode).toBeUndefined();
  expect(new EngineError("corrupt-data", "x").systemCode).toBeUndefined();
});

test("a code that is told goes before that of the cause", () => {
  expect(new EngineError("source-unreadable", "x", { systemCode: "EIO", cause: denied }).systemCode).toBe("EIO");
});
