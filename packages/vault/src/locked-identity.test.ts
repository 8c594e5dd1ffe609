import { armor, Encrypter } from "age-encryption";
import { beforeAll, expect, test } from "vitest";
import { lockIdentity, makeIdentity, unlockIdentity } from "./index.ts";

const passphrase = "wooden clock under seven rivers";

let identity: string;
let locked: string;

beforeAll(async () => {
  identity = await makeIdentity();
  locked = await lockIdentity(identity, passphrase);
}, 60_000);

/** Locked as `age -p` does it, at little cost unless told. */
async function lockedAs(text: string, { workFactor = 1 } = {}): Promise<string> {
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(workFactor);
  encrypter.setPassphrase(passphrase);
  return armor.encode(await encrypter.encrypt(text));
}

test("a locked identity is opened by its passphrase, and nothing of it shows", async () => {
  expect(locked).toContain("-----BEGIN AGE ENCRYPTED FILE-----");
  const header = new TextDecoder().decode(armor.decode(locked)).split("\n")[1];
  expect(header).toMatch(/^-> scrypt \S+ 18$/);
  expect(await unlockIdentity(locked, passphrase)).toBe(identity);
}, 60_000);

test("another passphrase is told so, and the error says neither", async () => {
  const cheap = await lockedAs(identity);
  const refusal = unlockIdentity(cheap, `${passphrase}!`);
  await expect(refusal).rejects.toMatchObject({ name: "VaultError", code: "wrong-passphrase" });
  await expect(refusal).rejects.not.toThrow(passphrase);
});

test.each([
  ["what age-keygen writes", (key: string) => `# created: 2026-01-31T08:30:00Z\n# public key: age1…\n${key}\n`],
  ["the identity alone", (key: string) => key],
])("%s is opened", async (_what, textOf) => {
  expect(await unlockIdentity(await lockedAs(textOf(identity)), passphrase)).toBe(identity);
});

test.each([
  ["no identity", "# nothing\n"],
  ["something else", "hello\n"],
  ["two identities", "AGE-SECRET-KEY-1A\nAGE-SECRET-KEY-1B\n"],
])("a file with %s in it is damaged", async (_what, text) => {
  const expected = { name: "VaultError", code: "damaged" };
  await expect(unlockIdentity(await lockedAs(text), passphrase)).rejects.toMatchObject(expected);
});

test("no changed byte goes unnoticed", async () => {
  const bytes = armor.decode(await lockedAs(identity));
  for (let at = 0; at < bytes.length; at += 3) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 1;
    await expect(unlockIdentity(armor.encode(changed), passphrase), `byte ${at}`).rejects.toMatchObject({
      name: "VaultError",
    });
  }
});

test.each([
  ["cut off", (text: string) => text.slice(0, -60)],
  ["empty", () => ""],
  ["no age file", () => "hello"],
  ["endless", () => "A".repeat(1_000_000)],
])("a locked identity that is %s is damaged", async (_what, change) => {
  await expect(unlockIdentity(change(locked), passphrase)).rejects.toMatchObject({ code: "damaged" });
});

test.each(["20", "21", "30", "99", "1e9", "018"])(
  "2^%s rounds of scrypt are refused before they begin",
  async (factor) => {
    const bytes = armor.decode(await lockedAs(identity));
    const text = Array.from(bytes, (byte) => String.fromCodePoint(byte)).join("");
    const bomb = Uint8Array.from(text.replace(/(-> scrypt \S+) 1\n/, `$1 ${factor}\n`), (c) => c.codePointAt(0) ?? 0);
    expect(bomb.length).toBeGreaterThan(bytes.length);
    const startedAt = performance.now();
    await expect(unlockIdentity(armor.encode(bomb), passphrase)).rejects.toMatchObject({ code: "damaged" });
    expect(performance.now() - startedAt).toBeLessThan(1000);
  },
);

test("a file that no passphrase locked is damaged, whoever it is for", async () => {
  const { recipientOf, seal } = await import("./index.ts");
  const sealed = await seal(await recipientOf(identity), new TextEncoder().encode(identity));
  await expect(unlockIdentity(armor.encode(Uint8Array.fromBase64(sealed)), passphrase)).rejects.toMatchObject({
    code: "damaged",
  });
});
