import { invariant } from "../../errors/invariant.ts";
import { notNull } from "./native-context.ts";
import type { NativeLibrary } from "./native-library.ts";

const digestBytes = 32;

/** SHA-256 by OpenSSL. Throws if it has none. */
export function nativeSha256(library: NativeLibrary): (bytes: Uint8Array) => Uint8Array {
  const algorithm = notNull(library.EVP_MD_fetch(null, "SHA256", null));
  const digest = new Uint8Array(digestBytes);
  return (bytes) => {
    const isDone = library.EVP_Digest(bytes, bytes.length, digest, null, algorithm, null);
    invariant(isDone === 1, "OpenSSL hashes any bytes");
    return digest.slice();
  };
}
