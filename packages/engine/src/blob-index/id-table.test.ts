import { expect, test } from "vitest";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { IdTable } from "./id-table.ts";

const idOf = (n: number) => nodePrimitives.sha256(new TextEncoder().encode(String(n))).toHex();

test("every id is found at its index, and others are not", () => {
  const table = new IdTable();
  const ids = Array.from({ length: 20_000 }, (_, n) => idOf(n));
  expect(ids.map((id) => table.append(id))).toEqual([...ids.keys()]);
  expect(table.count).toBe(ids.length);
  expect(ids.map((id) => table.find(id))).toEqual([...ids.keys()]);
  expect(ids.map((_, n) => table.at(n))).toEqual(ids);
  for (let n = 20_000; n < 20_100; n++) expect(table.find(idOf(n))).toBe(-1);
});

test("copies of an id are found newest first, also after the table has grown", () => {
  const table = new IdTable();
  for (let n = 0; n < 5000; n++) table.append(n % 1000 === 3 ? idOf(0) : idOf(n + 1));
  const found: number[] = [];
  for (let index = table.find(idOf(0)); index !== -1; index = table.findNext(index)) found.push(index);
  expect(found).toEqual([4003, 3003, 2003, 1003, 3]);
});

test("ids that differ in one byte only, whichever it is, are told apart", () => {
  const table = new IdTable();
  const base = new Uint8Array(32).fill(0x11);
  const ids = Array.from({ length: 32 }, (_, at) => base.with(at, 0x12).toHex());
  for (const id of ids) table.append(id);
  expect(table.find(base.toHex())).toBe(-1);
  ids.forEach((id, index) => expect(table.find(id)).toBe(index));
});

test("an empty table finds nothing", () => {
  expect(new IdTable().find(idOf(1))).toBe(-1);
  expect(() => new IdTable().at(0)).toThrow("below the count");
});
