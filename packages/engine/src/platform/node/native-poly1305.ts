import type { Primitives } from "../../crypto/primitives.ts";
import { invariant } from "../../errors/invariant.ts";
import { notNull, perThread } from "./native-context.ts";
import type { NativeLibrary } from "./native-library.ts";

const keyBytes = 32;
const tagBytes = 16;

/** Poly1305 by OpenSSL. Throws if it has none, as in FIPS mode. */
export function nativePoly1305(library: NativeLibrary): Primitives["poly1305"] {
  const algorithm = notNull(library.EVP_MAC_fetch(null, "POLY1305", null));
  const mac = perThread(
    () => notNull(library.EVP_MAC_CTX_new(algorithm)),
    (context) => library.EVP_MAC_CTX_free(context),
  );
  const keyRoom = new Uint8Array(keyBytes);
  const tag = new Uint8Array(tagBytes);
  return (key, message) => {
    invariant(key.length === keyBytes, "a Poly1305 key is 32 bytes");
    keyRoom.set(key);
    const context = mac();
    const isDone =
      library.EVP_MAC_init(context, keyRoom, keyRoom.length, null) === 1 &&
      library.EVP_MAC_update(context, message, message.length) === 1 &&
      library.EVP_MAC_final(context, tag, null, tag.length) === 1;
    invariant(isDone, "OpenSSL authenticates any bytes");
    return tag.slice();
  };
}
