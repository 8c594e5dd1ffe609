import { expect, test } from "vitest";
import { goModeFromPosix, posixFromGoMode } from "./file-mode.ts";

test.each([
  ["a file 0644", 0o100644, 420],
  ["a directory 0755", 0o040755, 2147484141],
  ["a symlink 0777", 0o120777, 134218239],
  ["a setuid file 04755", 0o104755, 8389101],
  ["a setgid file 02755", 0o102755, 4194797],
  ["a sticky directory 01777", 0o041777, 2148532735],
  ["a block device 0660", 0o060660, 67109296],
  ["a character device 0666", 0o020666, 69206454],
  ["a fifo 0600", 0o010600, 33554816],
  ["a socket 0755", 0o140755, 16777709],
])("%s has Go's mode, and chmod gets back what it had", (_what, stMode, goMode) => {
  expect(goModeFromPosix(stMode)).toBe(goMode);
  expect(posixFromGoMode(goMode)).toBe(stMode & 0o7777);
});

test("a type that POSIX does not know is irregular", () => {
  expect(goModeFromPosix(0o150644)).toBe(0x00080000 + 420);
});
