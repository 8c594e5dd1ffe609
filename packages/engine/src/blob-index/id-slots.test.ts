import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { IdSlots } from "./id-slots.ts";
import { WordRows } from "./word-rows.ts";

const rowWords = 9;
const hashOf = (n: number) => nodePrimitives.sha256(new TextEncoder().encode(String(n)));

test("every id is found at its row, and others are not", () => {
  const { rows, slots } = tableOf(Array.from({ length: 20_000 }, (_, n) => hashOf(n)));
  expect(rows.count).toBe(20_000);
  for (let n = 0; n < 20_000; n++) expect(slots.find(wordsOf(hashOf(n)))).toBe(n);
  for (let n = 20_000; n < 20_100; n++) expect(slots.find(wordsOf(hashOf(n)))).toBe(-1);
});

test("rows of the same id are found in the order in which they came, also after the table has grown many times", () => {
  const copies = new Set([3, 1003, 2003, 3003, 4003]);
  const { slots } = tableOf(Array.from({ length: 5000 }, (_, n) => hashOf(copies.has(n) ? -1 : n)));
  expect(slots.findAll(wordsOf(hashOf(-1)))).toEqual([...copies]);
  expect(slots.find(wordsOf(hashOf(-1)))).toBe(3);
  slots.reserve(100_000);
  expect(slots.findAll(wordsOf(hashOf(-1)))).toEqual([...copies]);
});

test("rows of the same id stay in order where their run goes round the table's end", () => {
  // The last slot is the home of all of them.
  const id = new Uint8Array(32).fill(0xff);
  const { slots } = tableOf(Array.from({ length: 700 }, () => id));
  expect(slots.findAll(wordsOf(id))).toEqual([...Array(700).keys()]);
  slots.reserve(3000);
  expect(slots.findAll(wordsOf(id))).toEqual([...Array(700).keys()]);
});

test("ids that differ in one byte only, whichever it is, are told apart", () => {
  const base = new Uint8Array(32).fill(0x11);
  const ids = Array.from({ length: 32 }, (_, at) => base.with(at, 0x12));
  const { slots } = tableOf(ids);
  expect(slots.find(wordsOf(base))).toBe(-1);
  ids.forEach((id, row) => expect(slots.find(wordsOf(id))).toBe(row));
});

test("an empty table finds nothing", () => {
  const { rows, slots } = tableOf([]);
  expect(slots.find(wordsOf(hashOf(1)))).toBe(-1);
  expect(slots.findAll(wordsOf(hashOf(1)))).toEqual([]);
  expect(() => rows.row(0)).toThrow("below the count");
});

/** A table with a row for each id and its own number behind it, filled one by one. */
function tableOf(ids: readonly Uint8Array[]): { rows: WordRows; slots: IdSlots } {
  const rows = new WordRows(rowWords);
  const slots = new IdSlots(rows);
  for (const [n, id] of ids.entries()) {
    rows.append(new Uint32Array([...wordsOf(id), n]), 0, 1);
    slots.insert(n, 1);
    expect(rows.word(n, rowWords - 1)).toBe(n);
  }
  return { rows, slots };
}

function wordsOf(id: Uint8Array): Uint32Array {
  return new Uint32Array(id.slice().buffer);
}
