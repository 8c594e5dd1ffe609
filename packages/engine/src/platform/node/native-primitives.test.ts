import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { type NativeLibrary, nativeLibrary } from "./native-library.ts";
import { nativePrimitives } from "./native-primitives.ts";

const library = nativeLibrary();

test("they are not there where Node does not export the functions", () => {
  expect(nativePrimitives({}, () => undefined)).toBeUndefined();
});

describe.runIf(library !== undefined)("where Node exports OpenSSL and zstd, the native primitives", () => {
  const all = library as NativeLibrary;

  test("are there, unless the environment switches them off", () => {
    expect(nativePrimitives({}, () => all)).toBeDefined();
    expect(nativePrimitives({ SAVEOS_NATIVE: "off" }, () => all)).toBeUndefined();
  });

  const brokenLibraries: [string, Partial<NativeLibrary>][] = [
    ["a hash is wrong", { EVP_Digest: () => 1 }],
    ["there is no cipher", { EVP_aes_256_ctr: () => null }],
    ["the cipher does nothing", { EVP_EncryptUpdate: () => 1 }],
    ["the key of the cipher is another", { EVP_aes_128_ecb: () => all.EVP_aes_256_ctr() }],
    ["there is no Poly1305, as in FIPS mode", { EVP_MAC_fetch: () => null }],
    ["a tag is wrong", { EVP_MAC_update: () => 1 }],
    ["zstd fails to compress", { ZSTD_compress2: () => -1 }],
    ["zstd has no such parameters", { ZSTD_CCtx_setParameter: () => -40 }],
    ["zstd decompresses to something else", { ZSTD_decompressDCtx: (_, out) => out.length }],
  ];
  test.each(brokenLibraries)("are not used when %s", (_, broken) => {
    expect(nativePrimitives({}, () => ({ ...all, ...broken }))).toBeUndefined();
  });

  test("fall back on the decoder in pieces when the fast one fails on a good frame", () => {
    let failing = false;
    const primitives = nativePrimitives({}, () => ({
      ...all,
      ZSTD_decompressDCtx: (...args) => (failing ? -20 : all.ZSTD_decompressDCtx(...args)),
    }));
    const plain = new Uint8Array(500).fill(3);
    const compressed = primitives?.zstdCompress?.(plain, "auto") ?? expect.unreachable();
    failing = true;
    expect(primitives?.zstdDecompress(compressed, plain.length)).toEqual(plain);
  });

  test("refuse a key, a counter, a block or a room of the wrong length before C sees it", () => {
    const seen: string[] = [];
    const watched: NativeLibrary = {
      ...all,
      EVP_EncryptUpdate: (...args) => (seen.push("cipher"), all.EVP_EncryptUpdate(...args)),
      EVP_MAC_init: (...args) => (seen.push("mac"), all.EVP_MAC_init(...args)),
      ZSTD_decompressDCtx: (...args) => (seen.push("zstd"), all.ZSTD_decompressDCtx(...args)),
    };
    const primitives = nativePrimitives({}, () => watched) ?? expect.unreachable();
    const compressed = primitives.zstdCompress?.(new Uint8Array(100), "auto") ?? expect.unreachable();
    const gone = new Uint8Array(100);
    gone.buffer.transfer();
    seen.length = 0;
    const key = new Uint8Array(32);
    const iv = new Uint8Array(16);
    const ten = new Uint8Array(10);
    expect(() => primitives.aes256Ctr(ten, iv, ten)).toThrow("key");
    expect(() => primitives.aes256Ctr(key, ten, ten)).toThrow("counter");
    expect(() => primitives.aes256Ctr(key, iv, ten, new Uint8Array(9))).toThrow("room");
    expect(() => primitives.aes256Ctr(key, iv, ten, gone)).toThrow("room");
    expect(() => primitives.aes128Block(iv, ten)).toThrow("block");
    expect(() => primitives.aes128Block(key, iv)).toThrow("key");
    expect(() => primitives.poly1305(iv, ten)).toThrow("key");
    expect(() => primitives.zstdDecompress(compressed, 100, new Uint8Array(99))).toThrow("room");
    expect(seen).toEqual([]);
  });

  test("read nothing from an array whose buffer was handed over", () => {
    const primitives = nativePrimitives({}, () => all) ?? expect.unreachable();
    const gone = new Uint8Array(100);
    gone.buffer.transfer();
    expect(primitives.sha256(gone)).toEqual(primitives.sha256(new Uint8Array(0)));
    expect(primitives.sha256Many([gone, gone])).toEqual(primitives.sha256Many([new Uint8Array(0), new Uint8Array(0)]));
    expect(primitives.aes256Ctr(new Uint8Array(32), new Uint8Array(16), gone)).toEqual(new Uint8Array(0));
    expect(() => primitives.zstdDecompress(gone, 10)).toThrow(expect.objectContaining({ code: "corrupt-data" }));
  });

  test("work on bytes that lie in WebAssembly's memory, before and after it grows", () => {
    const primitives = nativePrimitives({}, () => all) ?? expect.unreachable();
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 10 });
    for (let pages = 1; pages <= 3; pages++) {
      const view = new Uint8Array(memory.buffer, 1000, 50_000).fill(pages);
      expect(primitives.sha256(view)).toEqual(primitives.sha256(new Uint8Array(50_000).fill(pages)));
      const room = view.subarray(30_000);
      expect(primitives.zstdCompress?.(view.subarray(0, 20_000), "auto", room)?.buffer).toBe(memory.buffer);
      memory.grow(1);
    }
  });

  test("work in several threads at once, each with its own contexts", async () => {
    const digests = await Promise.all([1, 2, 3].map(() => inThread()));
    expect(new Set(digests).size).toBe(1);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

/** Compresses, encrypts and hashes a thousand times in a thread of its own. */
async function inThread(): Promise<string> {
  const code = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(new URL("native-primitives.ts", import.meta.url).href)}).then(({ nativePrimitives }) => {
      const primitives = nativePrimitives();
      let bytes = new Uint8Array(5000).map((_, i) => i >> 4);
      for (let round = 0; round < 1000; round++) {
        const compressed = primitives.zstdCompress(bytes, "auto");
        const key = primitives.sha256(compressed);
        bytes.set(primitives.aes256Ctr(key, key.subarray(16), bytes).subarray(0, 32));
        bytes.set(primitives.poly1305(key, bytes), 100);
      }
      parentPort.postMessage(primitives.sha256(bytes).toHex());
    });`;
  const worker = new Worker(code, { eval: true });
  return await new Promise((resolve, reject) => {
    let digest = "";
    worker.once("message", (message: string) => (digest = message));
    worker.once("error", reject);
    worker.once("exit", () => resolve(digest));
  });
}
