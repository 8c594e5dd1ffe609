import { generateHybridIdentity } from "age-encryption";
import { expect, test } from "vitest";
import { makeIdentity, open, recipientOf, seal } from "./index.ts";

test("an identity and its recipient have age's shape, and every one is new", async () => {
  const identity = await makeIdentity();
  expect(identity).toMatch(/^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/);
  expect(await recipientOf(identity)).toMatch(/^age1[02-9ac-hj-np-z]{58}$/);
  expect(await recipientOf(identity)).toBe(await recipientOf(identity));
  expect(await makeIdentity()).not.toBe(identity);
});

test("the recipient of a well-known identity is the one that age says", async () => {
  expect(await recipientOf("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0")).toBe(
    "age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef",
  );
});

test.each(["", "AGE-SECRET-KEY-1XYZ", "hunter2"])(
  "%j is no identity, and the error does not repeat it",
  async (text) => {
    const expected = { name: "VaultError", code: "invalid-identity" };
    await expect(recipientOf(text)).rejects.toMatchObject(expected);
    await expect(open(text, "AAAA")).rejects.toMatchObject(expected);
    if (text !== "") await expect(recipientOf(text)).rejects.not.toThrow(text);
  },
);

test("identities of other kinds are refused: the contract has one kind of recipient", async () => {
  await expect(recipientOf(await generateHybridIdentity())).rejects.toMatchObject({ code: "invalid-identity" });
});

test.each(["", "age1", "age1pq1xyz", `age1${"q".repeat(58)}`])("%j is no recipient", async (text) => {
  await expect(seal(text, new Uint8Array(1))).rejects.toMatchObject({ name: "VaultError", code: "invalid-recipient" });
});
