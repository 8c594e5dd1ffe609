import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const mib = 1024 * 1024;

/** In a process of its own: how much room new objects have once many are in use, in bytes. */
function roomAfter(setUp: string): number {
  const code = `
    const { keepYoungObjectsFew, moreYoungObjects, youngBytes } = await import(${JSON.stringify(module)});
    ${setUp}
    const inUse = new Array(50_000);
    for (let made = 0; made < 5_000_000; made++) {
      inUse[made % inUse.length] = { made: [made] };
      if (made % 10_000 === 0) await new Promise(setImmediate);
    }
    process.stdout.write(String(youngBytes()));`;
  return Number(execFileSync(process.execPath, ["--input-type=module", "--eval", code], { encoding: "utf8" }));
}

const module = new URL("young-objects.ts", import.meta.url).href;

test("new objects get little room, and some more when the work goes on for long", () => {
  expect(roomAfter("keepYoungObjectsFew();")).toBeLessThan(8 * mib);
  const grown = roomAfter("keepYoungObjectsFew(); moreYoungObjects(0);");
  expect(grown).toBeGreaterThanOrEqual(8 * mib);
  expect(grown).toBeLessThanOrEqual(roomAfter("") / 2);
});

test("work that was done before changes nothing", () => {
  expect(roomAfter("keepYoungObjectsFew(); { using _soon = moreYoungObjects(0); }")).toBeLessThan(8 * mib);
});
