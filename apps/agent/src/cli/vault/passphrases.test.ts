import { writeFile } from "node:fs/promises";
import { beforeEach, expect, test } from "vitest";
import { TestMachine } from "../../testing/test-world.ts";
import type { World } from "../../world.ts";
import { findNewPassphrase, findPassphrase } from "./passphrases.ts";

const strong = "wooden clock under seven rivers";

let machine: TestMachine;
/** What was asked, in order. */
let asked: string[];

beforeEach(async () => {
  machine = await TestMachine.create();
  asked = [];
  return () => machine[Symbol.asyncDispose]();
});

/** Somebody at a terminal who types these, one after another. */
function typing(...answers: string[]): World {
  return machine.world({
    askSecret: (question) => {
      asked.push(question);
      return Promise.resolve(answers[asked.length - 1] ?? "");
    },
  });
}

test("a passphrase is asked for by whose it is", async () => {
  expect(await findPassphrase(typing("what they typed"), undefined, "Ann")).toBe("what they typed");
  expect(asked).toEqual(["Passphrase of the vault (Ann): "]);
});

test("a new one is typed twice, the same", async () => {
  expect(await findNewPassphrase(typing(strong, strong), undefined, "Ann")).toBe(strong);
  expect(asked).toHaveLength(2);
  asked = [];
  await expect(findNewPassphrase(typing(strong, `${strong}!`), undefined, "Ann")).rejects.toMatchObject({
    code: "usage",
    message: "The passphrases differ.",
  });
});

test.each([
  ["too short", "abc"],
  ["too easy to guess", "motdepasse2024"],
])("a new one that is %s is refused before it is typed again, and isn't repeated", async (why, weak) => {
  const refusal = findNewPassphrase(typing(weak, weak), undefined, "Ann");
  await expect(refusal).rejects.toThrow(why);
  await expect(refusal).rejects.not.toThrow(weak);
  expect(asked).toHaveLength(1);
});

test("an old one may be weak: it is what it is", async () => {
  expect(await findPassphrase(typing("abc"), undefined, "Ann")).toBe("abc");
});

test("it may come from a file, where nobody is asked", async () => {
  const file = machine.path("passphrase");
  await writeFile(file, `${strong}\n`);
  expect(await findPassphrase(typing(), file, "Ann")).toBe(strong);
  expect(await findNewPassphrase(typing(), file, "Ann")).toBe(strong);
  expect(asked).toEqual([]);
});

test("without a terminal and without a file there is none", async () => {
  await expect(findPassphrase(machine.world(), undefined, "Ann")).rejects.toMatchObject({ code: "usage" });
  await expect(findPassphrase(typing(""), undefined, "Ann")).rejects.toMatchObject({ code: "usage" });
});
