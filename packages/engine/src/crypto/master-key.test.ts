import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { decodeMasterKey, deriveUserKey, encodeMasterKey, generateMasterKey } from "./master-key.ts";

const corrupt = expect.objectContaining({ code: "corrupt-data" });
const encode = (text: string) => new TextEncoder().encode(text);

test("a new key has parts of the right lengths, and no two are the same", () => {
  const key = generateMasterKey(nodePrimitives);
  expect([key.encrypt.length, key.macK.length, key.macR.length]).toEqual([32, 16, 16]);
  expect(generateMasterKey(nodePrimitives)).not.toEqual(key);
});

test("a random source that gives zeros is noticed", () => {
  const broken = { ...nodePrimitives, randomBytes: (length: number) => new Uint8Array(length) };
  expect(() => generateMasterKey(broken)).toThrow("not zero");
});

test("a key is written as restic writes it, and read back", () => {
  const key = {
    encrypt: new Uint8Array(32).fill(1),
    macK: new Uint8Array(16).fill(2),
    macR: new Uint8Array(16).fill(3),
  };
  const json = encodeMasterKey(key);
  expect(new TextDecoder().decode(json)).toBe(
    '{"mac":{"k":"AgICAgICAgICAgICAgICAg==","r":"AwMDAwMDAwMDAwMDAwMDAw=="},"encrypt":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}',
  );
  expect(decodeMasterKey(json)).toEqual(key);
});

test.each([
  ["no JSON", "secret"],
  ["no object", "null"],
  ["parts missing", "{}"],
  ["a part too short", '{"mac":{"k":"AgI=","r":"AgI="},"encrypt":"AgI="}'],
  ["no base64", '{"mac":{"k":"****","r":"****"},"encrypt":"****"}'],
  [
    "a part of zeros",
    '{"mac":{"k":"AAAAAAAAAAAAAAAAAAAAAA==","r":"AwMDAwMDAwMDAwMDAwMDAw=="},"encrypt":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}',
  ],
])("a damaged key is refused: %s", (_, text) => {
  expect(() => decodeMasterKey(encode(text))).toThrow(corrupt);
});

test("what a damaged key held is not repeated in the error", () => {
  let message = "";
  try {
    decodeMasterKey(encode('{"encrypt":"c2VjcmV0'));
  } catch (error) {
    message = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
  }
  expect(message).toContain("not JSON");
  expect(message).not.toContain("c2VjcmV0");
});

test("a password gives the key of scrypt: encrypt, then k, then r (RFC 7914, section 12)", async () => {
  const key = await deriveUserKey(nodePrimitives, "password", encode("NaCl"), { N: 1024, r: 8, p: 16 });
  expect(key.encrypt.toHex()).toBe("fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162");
  expect(key.macK.toHex()).toBe("2eaf30d92e22a3886ff109279d9830da");
  expect(key.macR.toHex()).toBe("c727afb94a83ee6d8360cbdfa2cc0640");
});

test("an absurd cost is refused before scrypt begins", async () => {
  const untouched = { ...nodePrimitives, scrypt: () => Promise.reject(new TypeError("scrypt was called")) };
  await expect(deriveUserKey(untouched, "x", new Uint8Array(64), { N: 2 ** 30, r: 8, p: 1 })).rejects.toThrow(corrupt);
});
