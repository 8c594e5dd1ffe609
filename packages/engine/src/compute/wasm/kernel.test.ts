import { afterEach, expect, test, vi } from "vitest";
import { firstCutKernel } from "./first-cut-kernel.ts";
import { instantiateKernel, kernelBytes } from "./kernel.ts";

afterEach(() => void vi.unstubAllGlobals());

/** A module of no content but a section that no version of WebAssembly knows. */
const unknownToThePlatform = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 0x7f, 1, 0).toBase64();

test("a kernel has its own page of memory and room for the data, and does not grow", () => {
  const kernel = instantiateKernel(firstCutKernel, 100_000);
  expect(kernel?.memory.length).toBe(kernelBytes + 2 * 65_536);
});

test("each instance has memory of its own", () => {
  const [one, other] = [instantiateKernel(firstCutKernel, 1), instantiateKernel(firstCutKernel, 1)];
  one?.memory.fill(1);
  expect(other?.memory.every((byte) => byte === 0)).toBe(true);
});

test("a module is compiled once", () => {
  const compiles = vi.fn<(bytes: BufferSource) => void>();
  class CountedModule extends WebAssembly.Module {
    constructor(bytes: BufferSource) {
      compiles(bytes);
      super(bytes);
    }
  }
  vi.stubGlobal("WebAssembly", { ...everythingOf(WebAssembly), Module: CountedModule });
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0).toBase64();
  for (let i = 0; i < 3; i++) expect(instantiateKernel(empty, 1)).toBeDefined();
  expect(compiles).toHaveBeenCalledOnce();
});

test("where there is no WebAssembly there is no kernel", () => {
  vi.stubGlobal("WebAssembly", undefined);
  expect(instantiateKernel(firstCutKernel, 1)).toBeUndefined();
});

test("where the platform does not know what the module needs there is no kernel", () => {
  expect(instantiateKernel(unknownToThePlatform, 1)).toBeUndefined();
});

test("where there is not so much memory there is no kernel", () => {
  expect(instantiateKernel(firstCutKernel, 2 ** 40)).toBeUndefined();
});

/** Its properties can't be enumerated. */
function everythingOf(namespace: object): object {
  return Object.fromEntries(
    Object.entries(Object.getOwnPropertyDescriptors(namespace)).map(([name, { value }]) => [name, value as unknown]),
  );
}
