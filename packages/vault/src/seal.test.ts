import { Decrypter, Encrypter } from "age-encryption";
import { beforeEach, expect, test } from "vitest";
import { makeIdentity, open, recipientOf, seal } from "./index.ts";

let identity: string;
let recipient: string;

beforeEach(async () => {
  identity = await makeIdentity();
  recipient = await recipientOf(identity);
});

const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 251);

test("what is sealed to a recipient its identity opens, and nothing of it shows", async () => {
  const sealed = await seal(recipient, bytes);
  expect(sealed).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
  expect(Uint8Array.fromBase64(sealed).toHex()).not.toContain(bytes.subarray(0, 8).toHex());
  expect(await open(identity, sealed)).toEqual(bytes);
});

test.each([0, 1, 65_536, 65_537, 5_000_000])("%i bytes come back as they were", async (length) => {
  const plain = new Uint8Array(length).fill(7);
  const opened = await open(identity, await seal(recipient, plain));
  expect(opened.length).toBe(length);
  expect(opened.every((byte) => byte === 7)).toBe(true);
});

test("the same bytes sealed twice look different", async () => {
  expect(await seal(recipient, bytes)).not.toBe(await seal(recipient, bytes));
});

test("it is age's own format: any age program opens it, and what one sealed is opened here", async () => {
  const age = new Decrypter();
  age.addIdentity(identity);
  expect(await age.decrypt(Uint8Array.fromBase64(await seal(recipient, bytes)))).toEqual(bytes);

  const encrypter = new Encrypter();
  encrypter.addRecipient(await recipientOf(await makeIdentity()));
  encrypter.addRecipient(recipient);
  expect(await open(identity, (await encrypter.encrypt(bytes)).toBase64())).toEqual(bytes);
});

test("another identity is told that it is not for it", async () => {
  const sealed = await seal(recipient, bytes);
  await expect(open(await makeIdentity(), sealed)).rejects.toMatchObject({ name: "VaultError", code: "not-for-us" });
});

test("no changed byte goes unnoticed", async () => {
  const sealed = Uint8Array.fromBase64(await seal(recipient, bytes));
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = sealed.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(open(identity, changed.toBase64()), `byte ${at}`).rejects.toMatchObject({ name: "VaultError" });
  }
});

test.each([
  ["nothing", ""],
  ["no base64", "%%%"],
  ["something else", "aGVsbG8="],
])("%s is damaged, and not an error of another kind", async (_what, sealed) => {
  await expect(open(identity, sealed)).rejects.toMatchObject({ name: "VaultError", code: "damaged" });
});

test("a text that was cut off is damaged", async () => {
  const sealed = Uint8Array.fromBase64(await seal(recipient, bytes));
  await expect(open(identity, sealed.subarray(0, -20).toBase64())).rejects.toMatchObject({ code: "damaged" });
});
