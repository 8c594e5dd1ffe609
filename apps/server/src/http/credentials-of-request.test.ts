import { expect, test } from "vitest";
import { credentialOf } from "./credentials-of-request.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

test.each([
  ["a bearer token", "Bearer secret", "secret"],
  ["a bearer token whose scheme is written otherwise", "bEARER   secret", "secret"],
  ["the password of HTTP Basic, with any user name", basic("anyone:secret"), "secret"],
  ["a password that holds colons", basic("anyone:a:b"), "a:b"],
  ["a password without a user name", basic(":secret"), "secret"],
])("%s is the credential", (_what, header, credential) => {
  expect(credentialOf(header)).toBe(credential);
});

test.each([
  ["no header", undefined],
  ["an empty header", ""],
  ["a scheme alone", "Bearer"],
  ["two tokens", "Bearer one two"],
  ["another scheme", "Digest secret"],
  ["HTTP Basic without a password", basic("anyone:")],
  ["HTTP Basic without a colon", basic("anyone")],
  ["HTTP Basic that is no base64", "Basic ????"],
])("%s holds no credential", (_what, header) => {
  expect(credentialOf(header)).toBeUndefined();
});
