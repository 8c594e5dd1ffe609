import { expect, test } from "vitest";
import { permissions } from "./permissions.ts";

const modeDir = 0x8000_0000;

test.each([
  ["a file", 0o644, "-rw-r--r--"],
  ["a folder", modeDir + 0o755, "drwxr-xr-x"],
  ["a sticky folder", modeDir + (1 << 20) + 0o777, "dtrwxrwxrwx"],
  ["a symlink", (1 << 27) + 0o777, "Lrwxrwxrwx"],
  ["a setuid program", (1 << 23) + 0o755, "urwxr-xr-x"],
  ["a character device", (1 << 26) + (1 << 21) + 0o660, "Dcrw-rw----"],
  ["nothing allowed", 0, "----------"],
])("%s is shown as Go shows it", (_, mode, shown) => {
  expect(permissions(mode)).toBe(shown);
});
