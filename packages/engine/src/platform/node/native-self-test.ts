import { equalBytes } from "../../crypto/equal-bytes.ts";
import type { Primitives } from "../../crypto/primitives.ts";

/** Whether each algorithm gives what its standard says: run once a thread, in a fraction of a millisecond. May throw instead. */
export function givesKnownAnswers(primitives: Primitives): boolean {
  return (
    [sha256Answer, aesCounterAnswer, aesBlockAnswer, poly1305Answer].every((answer) => {
      const { actual, expected } = answer(primitives);
      return equalBytes(actual, Uint8Array.fromHex(expected));
    }) && doesZstdRoundTrip(primitives)
  );
}

interface Answer {
  readonly actual: Uint8Array;
  readonly expected: string;
}

/** FIPS 180-4's example "abc". */
function sha256Answer({ sha256 }: Primitives): Answer {
  return {
    actual: sha256(new TextEncoder().encode("abc")),
    expected: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  };
}

/** NIST SP 800-38A, F.5.5, the first two blocks. */
function aesCounterAnswer({ aes256Ctr }: Primitives): Answer {
  return {
    actual: aes256Ctr(
      Uint8Array.fromHex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
      Uint8Array.fromHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"),
      Uint8Array.fromHex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"),
    ),
    expected: "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5",
  };
}

/** FIPS 197, C.1. */
function aesBlockAnswer({ aes128Block }: Primitives): Answer {
  return {
    actual: aes128Block(
      Uint8Array.fromHex("000102030405060708090a0b0c0d0e0f"),
      Uint8Array.fromHex("00112233445566778899aabbccddeeff"),
    ),
    expected: "69c4e0d86a7b0430d8cdb78070b4c55a",
  };
}

/** RFC 8439, section 2.5.2. */
function poly1305Answer({ poly1305 }: Primitives): Answer {
  return {
    actual: poly1305(
      Uint8Array.fromHex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"),
      new TextEncoder().encode("Cryptographic Forum Research Group"),
    ),
    expected: "a8061dc1305136c6c22b8baf0c0127a9",
  };
}

function doesZstdRoundTrip({ zstdCompress, zstdDecompress }: Primitives): boolean {
  const plain = new Uint8Array(1000).map((_, i) => i % 7);
  const compressed = zstdCompress?.(plain, "auto");
  return (
    compressed !== undefined &&
    compressed.length < plain.length &&
    equalBytes(zstdDecompress(compressed, plain.length), plain)
  );
}
