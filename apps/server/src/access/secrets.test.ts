import { assert, constantFrom, integer, pre, property, string } from "fast-check";
import { expect, test } from "vitest";
import { isSecret, makeSecret, readSecret } from "./secrets.ts";

test("a secret that was handed out is recognised by its id and its hash", () => {
  const secret = makeSecret("key");
  const claimed = readSecret(secret.text);
  expect(claimed).toMatchObject({ kind: "key", id: secret.id });
  expect(claimed !== undefined && isSecret(claimed, secret.sha256)).toBe(true);
});

test("a secret with any character of its random part changed is not the secret", () => {
  const secret = makeSecret("agent");
  const begin = secret.text.length - 43;
  assert(
    property(
      integer({ min: begin, max: secret.text.length - 1 }),
      constantFrom("A", "a", "0", "_", "-"),
      (at, letter) => {
        pre(secret.text[at] !== letter);
        const claimed = readSecret(secret.text.slice(0, at) + letter + secret.text.slice(at + 1));
        expect(claimed !== undefined && isSecret(claimed, secret.sha256)).toBe(false);
      },
    ),
  );
});

test("what isn't a secret of ours is not one, whatever it is", () => {
  assert(property(string(), (text) => readSecret(text) === undefined));
  const { text } = makeSecret("key");
  for (const near of [text.slice(1), `${text}A`, `${text}\n`, text.toUpperCase(), text.replace("key", "root")]) {
    expect(readSecret(near)).toBeUndefined();
  }
});

test("the text of a secret doesn't hold what the server keeps, nor the other way round", () => {
  const secret = makeSecret("key");
  const random = secret.text.slice(-43);
  expect(secret.sha256.toString("base64url")).not.toContain(random);
  expect(secret.sha256).toHaveLength(32);
});
