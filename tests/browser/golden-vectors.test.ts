import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { build } from "vite";
import { portablePrimitives } from "@saveos/engine";
import { nodePrimitives } from "@saveos/engine/node";
import { startChromium } from "../support/chromium.ts";
import { describeWith } from "../support/missing-peers.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { type GoldenResult, goldenResults } from "./golden-vectors.ts";
import { serveVectors, type VectorServer } from "./serve-vectors.ts";

let temp: TempFolder;
let server: VectorServer;
let script: string;
beforeAll(async () => {
  temp = await tempFolder();
  script = await bundle(new URL("./vectors-page.ts", import.meta.url));
  server = await serveVectors(temp.path, script);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await temp[Symbol.asyncDispose]();
});

describe("the golden vectors in Node", () => {
  test.each([
    ["Node's", nodePrimitives],
    ["the portable", portablePrimitives],
  ])("come out to the byte by %s primitives", async (_, primitives) => {
    expectGolden(await goldenResults(primitives, server.origin));
  });
});

describeWith(["chromium"], "the golden vectors in Chromium", () => {
  test("come out to the byte, and a repository that restic wrote is restored from its parts over HTTP", async () => {
    const before = server.rangesServed();
    const browser = await startChromium();
    try {
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      await page.goto(server.origin);
      expectGolden(await page.evaluate<GoldenResult[]>("goldenResults"));
      expect(complaints).toEqual([]);
    } finally {
      await browser.close();
    }
    expect(server.rangesServed()).toBeGreaterThan(before);
  });

  test("need nothing of Node", () => {
    expect(script).not.toMatch(/from\s*["']node:|\brequire\(|__vite-browser-external|\bBuffer\.|\bprocess\.(?!env\b)/);
  });
});

function expectGolden(results: readonly GoldenResult[]): void {
  // Four polynomials, four cuttings, three of cryptography, two of the tree, and the fixture's files.
  expect(results.length).toBeGreaterThan(30);
  expect(results.filter(({ expected, found }) => expected !== found)).toEqual([]);
}

/** One script with all that it imports, for a browser of today. */
async function bundle(entry: URL): Promise<string> {
  const built = await build({
    configFile: false,
    root: fileURLToPath(new URL(".", entry)),
    logLevel: "error",
    build: {
      write: false,
      minify: false,
      target: "esnext",
      lib: { entry: fileURLToPath(entry), formats: ["es"], fileName: "page" },
    },
  });
  const outputs = Array.isArray(built) ? built.flatMap(({ output }) => output) : "output" in built ? built.output : [];
  const codes = outputs.flatMap((output) => (output.type === "chunk" ? [output.code] : []));
  expect(codes).toHaveLength(1);
  return codes[0] ?? "";
}
