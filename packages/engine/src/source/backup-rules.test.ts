import { expect, test } from "vitest";
import { parseTagFile } from "./backup-rules.ts";

test("a tag file is a name, or a name and what the file begins with", () => {
  expect(parseTagFile(".nobackup")).toEqual({ name: ".nobackup" });
  expect(parseTagFile("CACHEDIR.TAG:Signature: 8a47")).toEqual({ name: "CACHEDIR.TAG", header: "Signature: 8a47" });
  expect(parseTagFile("tag:")).toEqual({ name: "tag", header: "" });
});

test("a tag file without a plain name is refused", () => {
  for (const text of ["", ":header", "a/b", "..", "."])
    expect(() => parseTagFile(text), text).toThrow(expect.objectContaining({ code: "invalid-input" }));
});
