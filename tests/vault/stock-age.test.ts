import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  lockIdentity,
  makeIdentity,
  open,
  openSealedPassword,
  recipientOf,
  sealPassword,
  unlockIdentity,
} from "@saveos/vault";
import { beforeAll, expect, test } from "vitest";
import { age, typePassphrase } from "../support/age.ts";
import { describeWith } from "../support/missing-peers.ts";
import { mustRun } from "../support/run.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const passphrase = "wooden clock under seven rivers";

describeWith(["age"], "stock age and the vault", () => {
  let temp: TempFolder;
  let identity: string;
  let recipient: string;
  let sealedPassword: string;
  const inFolder = (name: string) => join(temp.path, name);

  beforeAll(async () => {
    temp = await tempFolder();
    identity = await makeIdentity();
    recipient = await recipientOf(identity);
    sealedPassword = await sealPassword(recipient, {
      password: "the repository's",
      agentRecipient: await recipientOf(await makeIdentity()),
      repositoryId: "11111111-0000-4000-8000-000000000000",
      host: "web1",
    });
    await writeFile(inFolder("locked.age"), await lockIdentity(identity, passphrase));
    await writeFile(inFolder("password.age"), Uint8Array.fromBase64(sealedPassword));
    return async () => await temp[Symbol.asyncDispose]();
  });

  test("age opens a locked identity with its passphrase, and then what is sealed to it", async () => {
    const identityFile = inFolder("identity.txt");
    const unlocking = await typePassphrase(passphrase, "-d", "-o", identityFile, inFolder("locked.age"));
    expect(unlocking, unlocking.stdout).toMatchObject({ code: 0 });
    expect(await readFile(identityFile, "utf8")).toBe(`# public key: ${recipient}\n${identity}\n`);
    expect((await age("-d", "-i", identityFile, inFolder("password.age"))).split("\n")[0]).toBe("the repository's");
  });

  test("age takes the locked identity itself as an identity", async () => {
    const opened = inFolder("opened.txt");
    const args = ["-d", "-i", inFolder("locked.age"), "-o", opened, inFolder("password.age")];
    const opening = await typePassphrase(passphrase, ...args);
    expect(opening, opening.stdout).toMatchObject({ code: 0 });
    expect((await readFile(opened, "utf8")).split("\n")[0]).toBe("the repository's");
  });

  test("age refuses a wrong passphrase as we do", async () => {
    const unlocking = await typePassphrase("wooden clock", "-d", inFolder("locked.age"));
    expect(unlocking.code).not.toBe(0);
    expect(unlocking.stdout).toContain("incorrect passphrase");
  });

  test("an identity that age-keygen made and age locked is opened here, and its recipient is the same", async () => {
    const keyFile = inFolder("key.txt");
    await mustRun("age-keygen", ["-o", keyFile]);
    const locking = await typePassphrase(passphrase, "-p", "-a", "-o", inFolder("theirs.age"), keyFile);
    expect(locking, locking.stdout).toMatchObject({ code: 0 });
    const theirs = await unlockIdentity(await readFile(inFolder("theirs.age"), "utf8"), passphrase);
    expect(await readFile(keyFile, "utf8")).toContain(theirs);
    expect(await recipientOf(theirs)).toBe((await mustRun("age-keygen", ["-y", keyFile])).trim());
  });

  test("what age sealed to the vault is opened here", async () => {
    const plain = await open(identity, sealedPassword);
    await writeFile(inFolder("plain"), plain);
    await age("-r", recipient, "-o", inFolder("by-age.age"), inFolder("plain"));
    const sealed = (await readFile(inFolder("by-age.age"))).toString("base64");
    expect(await openSealedPassword(identity, sealed)).toMatchObject({ password: "the repository's", host: "web1" });
  });
});
