import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { decodeLock, encodeLock, type Lock } from "./lock.ts";

const lock: Lock = {
  time: "2023-11-14T17:13:20.0000001-05:00",
  exclusive: true,
  hostname: "kasimir",
  username: "fd0",
  pid: 13607,
  uid: 1000,
  gid: 100,
};

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const decode = (json: string) => decodeLock(new TextEncoder().encode(json));

test("a lock has restic's bytes, and is read as it was written", () => {
  expect(textOf(encodeLock(lock))).toBe(
    '{"time":"2023-11-14T17:13:20.0000001-05:00","exclusive":true,"hostname":"kasimir","username":"fd0","pid":13607,"uid":1000,"gid":100}',
  );
  expect(decodeLock(encodeLock(lock))).toEqual(lock);
});

test("root is left out of a lock", () => {
  const ofRoot = { ...lock, exclusive: false, uid: 0, gid: 0 };
  expect(textOf(encodeLock(ofRoot))).toMatch(/"exclusive":false.*"pid":13607}$/);
  expect(decodeLock(encodeLock(ofRoot))).toEqual(ofRoot);
});

test("a lock whose age can't be told is corrupt data", () => {
  expect(() => decode('{"exclusive":true}')).toThrow(EngineError);
  expect(() => decode('{"time":"noon"}')).toThrow(EngineError);
  expect(() => decode("")).toThrow(EngineError);
});
