import { equalBytes } from "../../crypto/equal-bytes.ts";
import type { Primitives } from "../../crypto/primitives.ts";
import { invariant } from "../../errors/invariant.ts";
import { notNull, perThread } from "./native-context.ts";
import type { NativeLibrary, Pointer } from "./native-library.ts";
import { roomFor } from "./native-room.ts";

const blockBytes = 16;

/** AES-256 in counter mode by OpenSSL. */
export function nativeAes256Ctr(library: NativeLibrary): Primitives["aes256Ctr"] {
  const cipherWith = keyedCipher(library, () => library.EVP_aes_256_ctr(), 32);
  const ivRoom = new Uint8Array(blockBytes);
  return (key, iv, bytes, room) => {
    invariant(iv.length === blockBytes, "the first counter is a block");
    const out = roomFor(bytes.length, room);
    const context = cipherWith(key);
    ivRoom.set(iv);
    const isReady = library.EVP_EncryptInit_ex(context, null, null, null, ivRoom);
    invariant(isReady === 1, "OpenSSL takes any counter");
    encrypt(library, context, bytes, out);
    return out;
  };
}

/** One block of AES-128 by OpenSSL. */
export function nativeAes128Block(library: NativeLibrary): Primitives["aes128Block"] {
  const cipherWith = keyedCipher(library, () => library.EVP_aes_128_ecb(), 16);
  const blockRoom = new Uint8Array(blockBytes);
  return (key, block) => {
    invariant(block.length === blockBytes, "a block is 16 bytes");
    blockRoom.set(block);
    encrypt(library, cipherWith(key), blockRoom, blockRoom);
    return blockRoom.slice();
  };
}

/** OpenSSL counts in C's `int`. A multiple of the block, so that the counter goes on where it was. */
const maxPieceBytes = 2 ** 30;
const written = new Int32Array(1);

/** Writes exactly as many bytes as it reads, because neither cipher pads or holds back whole blocks. */
function encrypt(library: NativeLibrary, context: Pointer, bytes: Uint8Array, out: Uint8Array): void {
  invariant(bytes.length === out.length, "what is encrypted fits the room");
  for (let at = 0; at < bytes.length; at += maxPieceBytes) {
    const isWhole = bytes.length <= maxPieceBytes;
    const piece = isWhole ? bytes : bytes.subarray(at, at + maxPieceBytes);
    const pieceOut = isWhole ? out : out.subarray(at, at + maxPieceBytes);
    const isDone = library.EVP_EncryptUpdate(context, pieceOut, written, piece, piece.length);
    invariant(isDone === 1 && written[0] === piece.length, "OpenSSL encrypts all bytes");
  }
}

/**
 * A cipher that keeps the key used last, because a repository has one and scheduling it costs as much as a small blob. It compares bytes, not
 * identities, so that a buffer used again for another key is noticed.
 */
function keyedCipher(
  library: NativeLibrary,
  algorithm: () => Pointer | null,
  keyBytes: number,
): (key: Uint8Array) => Pointer {
  const cipher = perThread(
    () => {
      const context = notNull(library.EVP_CIPHER_CTX_new());
      invariant(
        library.EVP_EncryptInit_ex(context, notNull(algorithm()), null, null, null) === 1,
        "OpenSSL has the cipher",
      );
      library.EVP_CIPHER_CTX_set_padding(context, 0);
      return { context, key: new Uint8Array(keyBytes), hasKey: false };
    },
    ({ context }) => library.EVP_CIPHER_CTX_free(context),
  );
  return (key) => {
    invariant(key.length === keyBytes, "a key has the cipher's length");
    const kept = cipher();
    if (!kept.hasKey || !equalBytes(kept.key, key)) {
      kept.key.set(key);
      kept.hasKey = library.EVP_EncryptInit_ex(kept.context, null, null, kept.key, null) === 1;
      invariant(kept.hasKey, "OpenSSL takes any key");
    }
    return kept.context;
  };
}
