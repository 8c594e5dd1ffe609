import { expect, test } from "vitest";
import { tableLines } from "./table.ts";

test("columns are as wide as their widest cell, and a cell may have several lines", () => {
  const rows = [
    { id: "1ab275fe", paths: ["/home", "/etc"], size: "293 KiB" },
    { id: "b1e18ebe", paths: ["/日本"], size: "5 B" },
  ];
  const lines = tableLines(
    [
      { title: "ID", cell: ({ id }) => [id] },
      { title: "Paths", cell: ({ paths }) => paths },
      { title: "Size", cell: ({ size }) => [size], align: "right" },
    ],
    rows,
  );
  expect(lines).toEqual([
    "ID        Paths     Size",
    "────────────────────────",
    "1ab275fe  /home  293 KiB",
    "          /etc",
    "b1e18ebe  /日本      5 B",
    "────────────────────────",
  ]);
});
