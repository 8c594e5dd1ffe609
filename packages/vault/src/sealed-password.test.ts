import { beforeAll, expect, test } from "vitest";
import {
  makeIdentity,
  open,
  openSealedPassword,
  recipientOf,
  type RepositoryPassword,
  seal,
  sealPassword,
} from "./index.ts";

let identity: string;
let recipient: string;
let content: RepositoryPassword;

beforeAll(async () => {
  identity = await makeIdentity();
  recipient = await recipientOf(identity);
  content = {
    password: "Zg7_geheim — ü",
    agentRecipient: await recipientOf(await makeIdentity()),
    repositoryId: "11111111-0000-4000-8000-000000000000",
    host: "web1.example",
  };
});

async function sealText(text: string | Uint8Array): Promise<string> {
  return await seal(recipient, typeof text === "string" ? new TextEncoder().encode(text) : text);
}

async function textOf(sealed: string): Promise<string> {
  return new TextDecoder().decode(await open(identity, sealed));
}

test("a sealed password comes back with all that goes with it", async () => {
  expect(await openSealedPassword(identity, await sealPassword(recipient, content))).toEqual(content);
});

test("its first line is the password and nothing else, for those who have age and no SaveOS", async () => {
  expect(await textOf(await sealPassword(recipient, content))).toBe(
    `${content.password}\nagent-recipient: ${content.agentRecipient}\nrepository: ${content.repositoryId}\nhost: web1.example\n`,
  );
});

test.each([
  ["a password with a line break", { password: "one\nagent-recipient: age1" }],
  ["a password with a carriage return", { password: "one\r" }],
  ["an empty password", { password: "" }],
  ["a host with a line break", { host: "web1\nrepository: other" }],
  ["a recipient that is none", { agentRecipient: "age1" }],
  ["a repository that is none", { repositoryId: "../other" }],
])("%s is not sealed", async (_what, change) => {
  await expect(sealPassword(recipient, { ...content, ...change })).rejects.toMatchObject({
    name: "VaultError",
    code: "invalid-text",
  });
});

test.each([
  ["a line more", (text: string) => `${text}host: other\n`],
  ["a line less", (text: string) => text.replace(/host: .*\n/, "")],
  ["its lines in another order", (text: string) => text.replace(/(agent-.*\n)(repo.*\n)/, "$2$1")],
  ["no end", (text: string) => text.slice(0, -1)],
  ["other line ends", (text: string) => text.replaceAll("\n", "\r\n")],
  ["another key", (text: string) => text.replace("host:", "Host:")],
  ["nothing in it", () => ""],
])("a text with %s is damaged", async (_what, change) => {
  const text = await textOf(await sealPassword(recipient, content));
  expect(change(text)).not.toBe(text);
  await expect(openSealedPassword(identity, await sealText(change(text)))).rejects.toMatchObject({ code: "damaged" });
});

test("bytes that are no text are damaged", async () => {
  await expect(openSealedPassword(identity, await sealText(Uint8Array.of(0xff, 0xfe)))).rejects.toMatchObject({
    code: "damaged",
  });
});

test("another vault's identity does not open it", async () => {
  const sealed = await sealPassword(recipient, content);
  await expect(openSealedPassword(await makeIdentity(), sealed)).rejects.toMatchObject({ code: "not-for-us" });
});
