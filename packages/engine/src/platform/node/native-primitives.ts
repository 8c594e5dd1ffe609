import type { Primitives } from "../../crypto/primitives.ts";
import { nativeAes128Block, nativeAes256Ctr } from "./native-aes.ts";
import { type NativeLibrary, nativeLibrary } from "./native-library.ts";
import { nativePoly1305 } from "./native-poly1305.ts";
import { givesKnownAnswers } from "./native-self-test.ts";
import { nativeSha256Lanes } from "./native-sha256-lanes.ts";
import { nativeSha256 } from "./native-sha256.ts";
import { nativeZstdCompress, nativeZstdDecompress } from "./native-zstd.ts";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";
import { fastestSha256Many, type Sha256Lanes, wasmSha256Lanes } from "./sha256-many.ts";

/**
 * The format's algorithms by the OpenSSL and zstd inside the Node binary, called directly and with contexts that are made once. Undefined
 * where Node does not export them all, where they fail a test against known answers, and where the environment says `SAVEOS_NATIVE=off`;
 * `nodeCryptoPrimitives` then do the same, slower. Each thread calls this for itself.
 */
export function nativePrimitives(
  environment: NodeJS.ProcessEnv = process.env,
  findLibrary: () => NativeLibrary | undefined = nativeLibrary,
): Primitives | undefined {
  if (environment["SAVEOS_NATIVE"] === "off") return undefined;
  const library = findLibrary();
  if (library === undefined) return undefined;
  try {
    const primitives = makePrimitives(library);
    return givesKnownAnswers(primitives) ? primitives : undefined;
  } catch {
    // Such as an OpenSSL that was built or set up without one of them.
    return undefined;
  }
}

function makePrimitives(library: NativeLibrary): Primitives {
  const sha256 = nativeSha256(library);
  return {
    ...nodeCryptoPrimitives,
    sha256,
    sha256Many: fastestSha256Many(
      sha256,
      () => sha256Candidates(sha256),
      () => performance.now(),
    ),
    aes256Ctr: nativeAes256Ctr(library),
    aes128Block: nativeAes128Block(library),
    poly1305: nativePoly1305(library),
    zstdCompress: nativeZstdCompress(library),
    zstdDecompress: nativeZstdDecompress(library, nodeCryptoPrimitives.zstdDecompress),
  };
}

function sha256Candidates(sha256: Primitives["sha256"]): Sha256Lanes[] {
  const candidates: Sha256Lanes[] = [];
  for (const width of [2, 4, 8]) {
    const hash = nativeSha256Lanes(width, sha256);
    if (hash !== undefined) candidates.push({ width, hash });
  }
  candidates.push(...wasmSha256Lanes());
  return candidates;
}
