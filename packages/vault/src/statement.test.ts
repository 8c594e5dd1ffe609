import { assert, integer, property } from "fast-check";
import { beforeAll, expect, test } from "vitest";
import {
  makeIdentity,
  recipientOf,
  type RotationStatement,
  type SignedStatement,
  signStatement,
  verifyKeyOf,
  verifyStatement,
} from "./index.ts";

let identity: string;
let vault: { recipient: string; verifyKey: string };
let rotation: RotationStatement;
let signed: SignedStatement;

beforeAll(async () => {
  identity = await makeIdentity();
  vault = { recipient: await recipientOf(identity), verifyKey: await verifyKeyOf(identity) };
  const next = await makeIdentity();
  rotation = {
    kind: "rotation",
    from: vault.recipient,
    to: await recipientOf(next),
    to_verify_key: await verifyKeyOf(next),
    generation: 2,
    at: "2026-01-31T08:30:00.000Z",
  };
  signed = await signStatement(identity, rotation);
});

const notSigned = expect.objectContaining({ name: "VaultError", code: "not-signed" });

test("what a vault signed is believed, word for word", () => {
  expect(verifyStatement(vault, signed)).toEqual(rotation);
});

test("a choice about names is signed in the same way", async () => {
  const names = { kind: "names", from: vault.recipient, visible: true, serial: 3, at: rotation.at } as const;
  expect(verifyStatement(vault, await signStatement(identity, names))).toEqual(names);
});

test("the verify key belongs to the identity, and tells nothing of it", async () => {
  expect(vault.verifyKey).toMatch(/^[0-9a-f]{64}$/);
  expect(await verifyKeyOf(identity)).toBe(vault.verifyKey);
  expect(await verifyKeyOf(await makeIdentity())).not.toBe(vault.verifyKey);
});

test("the signing key of an identity never changes: pins that are out there depend on it", async () => {
  const known = "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0";
  // As OpenSSL works it out from the same identity.
  expect(await verifyKeyOf(known)).toBe("d0f3c584ea930bc215172e4df292c66aa3d05ed5ec73b0cfac0d9b9b79daaf4b");
});

test("no changed character of the statement or the signature passes", () => {
  const { statement, signature } = signed;
  assert(
    property(integer({ min: 0, max: statement.length - 1 }), (at) => {
      const other = statement[at] === "1" ? "2" : "1";
      const changed = { statement: statement.slice(0, at) + other + statement.slice(at + 1), signature };
      expect(() => verifyStatement(vault, changed)).toThrow(notSigned);
    }),
  );
  for (let at = 0; at < signature.length; at += 1) {
    const other = signature[at] === "1" ? "2" : "1";
    const changed = { statement, signature: signature.slice(0, at) + other + signature.slice(at + 1) };
    expect(() => verifyStatement(vault, changed), `at ${at}`).toThrow(notSigned);
  }
});

test.each(["", "zz", "00", "0".repeat(127), "0".repeat(128), "0".repeat(1000)])("%j is no signature", (signature) => {
  expect(() => verifyStatement(vault, { ...signed, signature })).toThrow(notSigned);
});

test("another vault's signature is worth nothing, nor is a verify key that is none", async () => {
  const stranger = await makeIdentity();
  const theirs = { recipient: await recipientOf(stranger), verifyKey: await verifyKeyOf(stranger) };
  expect(() => verifyStatement(theirs, signed)).toThrow(notSigned);
  expect(() => verifyStatement({ ...vault, verifyKey: theirs.verifyKey }, signed)).toThrow(notSigned);
  expect(() => verifyStatement({ ...vault, recipient: theirs.recipient }, signed)).toThrow(notSigned);
  expect(() => verifyStatement({ ...vault, verifyKey: "no key" }, signed)).toThrow(notSigned);
  expect(() => verifyStatement({ ...vault, verifyKey: "0".repeat(64) }, signed)).toThrow(notSigned);
});

test("an identity signs in no other vault's name", async () => {
  await expect(signStatement(await makeIdentity(), rotation)).rejects.toMatchObject({ code: "not-signed" });
});

test.each([
  ["another field", (text: string) => text.replace("}", ',"visible":true}')],
  ["a field less", (text: string) => text.replace(/,"at":"[^"]*"/, "")],
  ["another kind", (text: string) => text.replace('"rotation"', '"names"')],
  ["an order of its own", (text: string) => text.replace(/^\{("kind":"[a-z]+"),("from":"[^"]*")/, "{$2,$1")],
  ["white space", (text: string) => `${text} `],
  ["a generation that is none", (text: string) => text.replace('"generation":2', '"generation":2.5')],
  ["no JSON", () => "hello"],
  ["a list", () => "[]"],
])("a text with %s is refused, even where the vault itself signed it", async (_what, change) => {
  const { ed25519 } = await import("@noble/curves/ed25519.js");
  const { hkdf } = await import("@noble/hashes/hkdf.js");
  const { sha256 } = await import("@noble/hashes/sha2.js");
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const key = hkdf(sha256, utf8(identity), undefined, utf8("saveos vault signing key v1"), 32);
  const sign = (statement: string) => ({
    statement,
    signature: ed25519.sign(utf8(`saveos vault statement v1\n${statement}`), key).toHex(),
  });
  expect(verifyStatement(vault, sign(signed.statement))).toEqual(rotation);
  expect(change(signed.statement)).not.toBe(signed.statement);
  expect(() => verifyStatement(vault, sign(change(signed.statement)))).toThrow(notSigned);
});
