import { closeSync, openSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { linuxStatOf } from "./linux-stat.ts";

test.skipIf(process.platform !== "linux")("an open file is told as itself after collections of garbage", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const file = openSync(import.meta.filename, "r");
  try {
    const kept: Uint8Array[] = [];
    for (let round = 0; round < 5; round += 1) {
      collect();
      // The same size as a small array that may have been collected, full of a path.
      for (let n = 0; n < 2000; n += 1) kept.push(new Uint8Array(128).fill(0x2f, 0, 1));
      expect(linuxStatOf(file)?.type).toBe("file");
    }
    expect(kept).toHaveLength(10_000);
  } finally {
    closeSync(file);
  }
});
