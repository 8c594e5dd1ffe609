import { expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import { decodeKeyFile, encodeKeyFile, type KeyFile } from "./key-file.ts";

const keyFile: KeyFile = {
  created: "2023-11-14T22:13:20Z",
  username: "<root>",
  hostname: "",
  cost: { N: 32768, r: 8, p: 5 },
  salt: new Uint8Array(64).fill(1),
  data: new Uint8Array(48).fill(255),
};

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const decode = (json: string) => decodeKeyFile(new TextEncoder().encode(json));

test("a key file has restic's bytes, empty texts included, and is read as it was written", () => {
  const text = textOf(encodeKeyFile(keyFile));
  expect(text).toBe(
    '{"created":"2023-11-14T22:13:20Z","username":"\\u003croot\\u003e","hostname":"","kdf":"scrypt","N":32768,"r":8,"p":5,' +
      `"salt":"${keyFile.salt.toBase64()}","data":"${keyFile.data.toBase64()}"}`,
  );
  expect(decode(text)).toEqual(keyFile);
});

test("another way from password to key is unsupported", () => {
  const text = textOf(encodeKeyFile(keyFile)).replace("scrypt", "argon2id");
  expect(() => decode(text)).toThrow('"argon2id", not scrypt');
});

test.each([
  ["a salt", '"salt"', '"salz"'],
  ["a master key", '"data"', '"date"'],
  ["a cost of 32 bits", "32768", "4294967296"],
  ["base64", '"data":"', '"data":"*'],
])("a key file without %s is corrupt data", (_what, part, damaged) => {
  expect(() => decode(textOf(encodeKeyFile(keyFile)).replace(part, damaged))).toThrow(EngineError);
});
