import { expect, test } from "vitest";
import { untrustedServer } from "./untrusted-server.ts";

function failure(code: string): Error {
  return new TypeError("fetch failed", { cause: Object.assign(new Error("deep down"), { code }) });
}

test("a certificate of somebody else is denied, by name, and not tried again", () => {
  const error = untrustedServer(failure("SELF_SIGNED_CERT_IN_CHAIN"), "Reading config in rest:https://host/");
  expect(error).toMatchObject({
    code: "store-denied",
    message: expect.stringMatching(/^Reading config in rest:https:\/\/host\/: .*SELF_SIGNED_CERT_IN_CHAIN/),
  });
});

test("a network that failed is another matter", () => {
  for (const other of [failure("ECONNREFUSED"), new Error("no code"), "no error"])
    expect(untrustedServer(other, "Reading config")).toBeUndefined();
});
