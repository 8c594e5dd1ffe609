import { expect, test } from "vitest";
import { certificateFailureOf, untrustedServer } from "./untrusted-server.ts";

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

test("a certificate that is right at another time is told apart: clocks can be wrong", () => {
  for (const code of ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"]) {
    expect(certificateFailureOf(failure(code))).toEqual({ code, isOutOfDate: true });
    expect(untrustedServer(failure(code), "Reading config")?.hint).toContain("clocks");
  }
  expect(certificateFailureOf(failure("CERT_REVOKED"))).toEqual({ code: "CERT_REVOKED", isOutOfDate: false });
});

test("a network that failed is another matter", () => {
  for (const other of [failure("ECONNREFUSED"), new Error("no code"), "no error"])
    expect(untrustedServer(other, "Reading config")).toBeUndefined();
});
