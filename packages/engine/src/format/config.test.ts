import { expect, test } from "vitest";
import { type Config, decodeConfig, encodeConfig } from "./config.ts";

const config: Config = { version: 2, id: "0f".repeat(32), chunkerPolynomial: 0x3da3358b4dc173n };
const text = `{"version":2,"id":"${"0f".repeat(32)}","chunker_polynomial":"3da3358b4dc173"}`;
const decode = (json: string) => decodeConfig(new TextEncoder().encode(json));

test("a config has restic's bytes, and is read as it was written", () => {
  expect(new TextDecoder().decode(encodeConfig(config))).toBe(text);
  expect(decode(text)).toEqual(config);
});

test("what rustic adds is ignored", () => {
  expect(decode(text.replace("}", ',"is_hot":false,"treepack_size":4194304,"chunker":null}'))).toEqual(config);
});

test("another version is unsupported, and said", () => {
  expect(() => decode(text.replace("2", "3"))).toThrow("format version 3");
  expect(() => decode("{}")).toThrow("format version 0");
});

test.each([
  ["id", text.replace("0f", "0F")],
  ["id", text.replace("0f", "")],
  ["polynomial", text.replace("3da", "0x3da")],
  ["polynomial", text.replace("3da3358b4dc173", "")],
  ["polynomial", text.replace("3da3358b4dc173", "1".repeat(17))],
])("a bad %s is corrupt data", (what, json) => {
  expect(() => decode(json)).toThrow(what);
});
