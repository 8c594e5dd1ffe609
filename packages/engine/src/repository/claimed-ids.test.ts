import { expect, test } from "vitest";
import { idWords } from "../format/index-rows.ts";
import { ClaimedIds } from "./claimed-ids.ts";

/** The first of them spread over the table, as those of hashes are. */
function idsOf(count: number): Uint32Array {
  const ids = new Uint32Array(count * idWords);
  for (let n = 0; n < count; n++) ids.set([Math.imul(n, 0x9e3779b1) >>> 0, n], n * idWords);
  return ids;
}

test("an id is taken in once", () => {
  const claimed = new ClaimedIds(() => false);
  const ids = idsOf(2);
  expect([claimed.add(ids, 0), claimed.add(ids, 0), claimed.add(ids, idWords)]).toEqual([true, false, true]);
});

test("ids that the index has come to know are forgotten, as long as that is all of the older ones", () => {
  const count = 400_000;
  const ids = idsOf(count);
  let indexedUpTo = 0;
  const claimed = new ClaimedIds((words, at) => (words[at + 1] ?? 0) < indexedUpTo);
  let largest = 0;
  for (let n = 0; n < count; n++) {
    expect(claimed.add(ids, n * idWords)).toBe(true);
    indexedUpTo = n - 1000;
    largest = Math.max(largest, claimed.size);
  }
  expect(largest).toBeLessThan(140_000);
  // What is still on its way is known.
  for (let n = count - 1000; n < count; n++) expect(claimed.add(ids, n * idWords)).toBe(false);
});

test("nothing is forgotten while an older one is on its way", () => {
  const count = 200_000;
  const ids = idsOf(count);
  const claimed = new ClaimedIds((words, at) => words[at + 1] !== 7);
  for (let n = 0; n < count; n++) claimed.add(ids, n * idWords);
  expect(claimed.add(ids, 7 * idWords)).toBe(false);
  expect(claimed.add(ids, (count - 1) * idWords)).toBe(false);
});
