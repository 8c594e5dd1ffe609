import { expect, test } from "vitest";
import { ChosenPaths } from "./chosen-paths.ts";

test("a chosen file is taken, its neighbours are not, and the way to it is gone", () => {
  const chosen = new ChosenPaths(["/home/ann/notes.txt"]);
  expect(chosen.includes("/home", true)).toEqual({ selected: false, childMayMatch: true });
  expect(chosen.includes("/home/ann", true)).toEqual({ selected: false, childMayMatch: true });
  expect(chosen.includes("/home/ann/notes.txt", false).selected).toBe(true);
  expect(chosen.includes("/home/ann/notes.txt.old", false).selected).toBe(false);
  expect(chosen.includes("/home/bob", true)).toEqual({ selected: false, childMayMatch: false });
  expect(chosen.missing).toBe(0);
});

test("of a chosen folder everything is taken, however deep", () => {
  const chosen = new ChosenPaths(["/srv/"]);
  expect(chosen.includes("/srv", true)).toEqual({ selected: true, childMayMatch: true });
  expect(chosen.includes("/srv/a/b/c", true)).toEqual({ selected: true, childMayMatch: true });
  expect(chosen.includes("/srvx", true)).toEqual({ selected: false, childMayMatch: false });
});

test.each(["/a/*", "/a/[b]", "/a/?", "/a/\\", "/!a", "/a/**", "/a/ b ", "/a/$HOME", "/a/\udcff"])(
  "%j is a name and no pattern",
  (path) => {
    const chosen = new ChosenPaths([path]);
    expect(chosen.includes(path, false).selected).toBe(true);
    for (const other of ["/a/b", "/a/x", "/b", "/a/b/c"]) expect(chosen.includes(other, false).selected).toBe(false);
  },
);

test("the root means everything", () => {
  const chosen = new ChosenPaths(["/"]);
  expect(chosen.includes("/anything", false).selected).toBe(true);
  expect(chosen.missing).toBe(0);
});

test("paths that were never met are counted, each once", () => {
  const chosen = new ChosenPaths(["/a", "/a/", "/gone", "relative"]);
  chosen.includes("/a", true);
  expect(chosen.missing).toBe(2);
});

test("a chosen path below another one is found as well", () => {
  const chosen = new ChosenPaths(["/a", "/a/b"]);
  chosen.includes("/a", true);
  expect(chosen.missing).toBe(1);
  chosen.includes("/a/b", false);
  expect(chosen.missing).toBe(0);
});
