import { expect, test } from "vitest";
import { weaknessOf } from "./index.ts";

test.each(["", "abc", "Tr0ub4dor&3", "éééééééé"])("%j is too short", (passphrase) => {
  expect(weaknessOf(passphrase)).toBe("too-short");
});

test.each([
  "aaaaaaaaaaaaaaaaaaaa",
  "abcabcabcabcabcabc",
  "passwordpassword",
  "Password Password Password Password",
  "motdepasse2024!",
  "azertyuiop123456",
  "1234567890123456",
  "correct horse battery staple",
  "20012002200320042005",
  "qwertyuiopasdfgh",
  "            !",
  "administrator",
  "Welcome to SaveOS 2026",
  "internationalization",
])("%j is too simple", (passphrase) => {
  expect(weaknessOf(passphrase)).toBe("too-simple");
});

test.each([
  "wooden clock under seven rivers",
  "vieille-tortue-mange-cactus",
  "x7Kp!qLm2Rv9",
  "9f8e2a7b4c1d6e3f5a0b",
  "Мой дядя самых честных правил",
  "le vent se lève il faut tenter de vivre",
  "木漏れ日の中で静かに本を読む午後",
])("%j passes", (passphrase) => {
  expect(weaknessOf(passphrase)).toBeUndefined();
});

test("an endless passphrase is answered soon", () => {
  const startedAt = performance.now();
  weaknessOf("a1".repeat(100_000));
  expect(performance.now() - startedAt).toBeLessThan(2000);
});
