import * as fc from "fast-check";
import { expect, test } from "vitest";
import { hashedKinds } from "../object-store/object-name.ts";
import { listTypeFor, parseAddress, parseContentLength } from "./parse-request.ts";
import { parseRange } from "./parse-range.ts";

const repositoryId = "0d9b0a2c-5f0e-4a57-9a53-4f0c3a1f7b11";
const name = "0123456789abcdef".repeat(4);

test("the five shapes of an address are understood, with or without a query", () => {
  for (const query of ["", "?", "?create=true"]) {
    const at = (path: string) => parseAddress(`/restic/${repositoryId}/${path}${query}`);
    expect(at("")).toEqual({ repositoryId, target: { of: "repository" } });
    expect(at("config")).toEqual({
      repositoryId,
      target: { of: "object", object: { kind: "config", name: "config" } },
    });
    for (const kind of hashedKinds) {
      expect(at(`${kind}/`)).toEqual({ repositoryId, target: { of: "list", kind } });
      expect(at(`${kind}/${name}`)).toEqual({ repositoryId, target: { of: "object", object: { kind, name } } });
    }
  }
});

test("an address that is understood names nothing but letters, digits and hyphens, whatever was sent", () => {
  const part = fc.oneof(
    fc.constantFrom("restic", repositoryId, "config", "..", ".", "", "%2e%2e", name, ...hashedKinds),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const address = parseAddress(`/restic/${parts.join("/")}`);
      if (address === undefined) return;
      expect(address.repositoryId).toMatch(/^[0-9a-f-]{36}$/);
      if (address.target.of === "object") expect(address.target.object.name).toMatch(/^(config|[0-9a-f]{64})$/);
    }),
  );
});

test("only exactly version 2's type asks for version 2", () => {
  expect(listTypeFor("application/vnd.x.restic.rest.v2")).toBe("application/vnd.x.restic.rest.v2");
  for (const accept of [undefined, "", "*/*", "application/vnd.x.restic.rest.v3", " application/vnd.x.restic.rest.v2"])
    expect(listTypeFor(accept)).toBe("application/vnd.x.restic.rest.v1");
});

test("a length is digits, few enough to be exact", () => {
  expect(parseContentLength("0")).toBe(0);
  expect(parseContentLength("999999999999999")).toBe(999_999_999_999_999);
  for (const text of [undefined, "", "-1", "1e3", "0x10", " 5", "1, 1", "9999999999999999"])
    expect(parseContentLength(text)).toBeUndefined();
});

test("a range is one of bytes; several are not served apart, and what makes no sense is invalid", () => {
  expect(parseRange("bytes=0-")).toEqual({ start: 0 });
  expect(parseRange("bytes=3-9")).toEqual({ start: 3, end: 10 });
  expect(parseRange("bytes=-651")).toEqual({ lastBytes: 651 });
  for (const header of [undefined, "", "lines=1-2", "bytes=1-2,4-5"]) expect(parseRange(header)).toBeUndefined();
  for (const header of ["bytes=", "bytes=-", "bytes=9-3", "bytes=a-b", "bytes=1-2-3", "bytes=1234567890123456-"])
    expect(parseRange(header)).toBe("invalid");
});
