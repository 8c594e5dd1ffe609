import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { equalBytes } from "./equal-bytes.ts";
import type { MasterKey } from "./master-key.ts";
import type { Primitives } from "./primitives.ts";

const ivBytes = 16;
const macBytes = 16;

/** How many bytes longer a sealed unit is than what is in it. */
export const sealOverheadBytes = ivBytes + macBytes;

/**
 * Encrypts and authenticates `plain`: IV ‖ AES-256-CTR ciphertext ‖ Poly1305-AES MAC of the ciphertext (restic design.rst, "Keys,
 * Encryption and MAC"). The IV is drawn at random, so sealing the same bytes twice gives different units.
 */
export function seal(primitives: Primitives, key: MasterKey, plain: Uint8Array): Uint8Array {
  const iv = primitives.randomBytes(ivBytes);
  invariant(iv.length === ivBytes && !isAllZero(iv), "the random source gives an IV that is not zero");
  const sealed = new Uint8Array(plain.length + sealOverheadBytes);
  const ciphertext = primitives.aes256Ctr(key.encrypt, iv, plain);
  invariant(ciphertext.length === plain.length, "counter mode keeps the length");
  sealed.set(iv);
  sealed.set(ciphertext, ivBytes);
  sealed.set(mac(primitives, key, iv, ciphertext), ivBytes + ciphertext.length);
  return sealed;
}

/**
 * Gives back what `seal` was given. The MAC is checked before anything is decrypted.
 * Throws `corrupt-data` when a byte was changed or the key is another one; nobody can tell the two apart.
 */
export function open(primitives: Primitives, key: MasterKey, sealed: Uint8Array): Uint8Array {
  if (sealed.length < sealOverheadBytes)
    throw new EngineError(
      "corrupt-data",
      `A sealed unit of ${sealed.length} bytes is too short to hold its IV and MAC`,
    );
  const iv = sealed.subarray(0, ivBytes);
  // Nobody seals with a zero IV, but a block of zeros is what a failing disk likes to give back.
  if (isAllZero(iv)) throw new EngineError("corrupt-data", "A sealed unit begins with a zero IV");
  const ciphertext = sealed.subarray(ivBytes, sealed.length - macBytes);
  if (!equalBytes(mac(primitives, key, iv, ciphertext), sealed.subarray(sealed.length - macBytes)))
    throw new EngineError(
      "corrupt-data",
      `The MAC of a sealed unit of ${sealed.length} bytes is wrong: damaged, or another key`,
    );
  return primitives.aes256Ctr(key.encrypt, iv, ciphertext);
}

/** Poly1305-AES: the one-time key is r ‖ AES-128(k, IV), which also binds the IV to the tag. */
function mac(primitives: Primitives, key: MasterKey, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const oneTimeKey = new Uint8Array(key.macR.length + ivBytes);
  oneTimeKey.set(key.macR);
  oneTimeKey.set(primitives.aes128Block(key.macK, iv), key.macR.length);
  return primitives.poly1305(oneTimeKey, ciphertext);
}

function isAllZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
