import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { equalBytes } from "./equal-bytes.ts";
import type { MasterKey } from "./master-key.ts";
import { place, type Primitives } from "./primitives.ts";

const ivBytes = 16;
const macBytes = 16;

/** How many bytes longer a sealed unit is than what is in it. */
export const sealOverheadBytes = ivBytes + macBytes;

/**
 * Encrypts and authenticates `plain`: IV ‖ AES-256-CTR ciphertext ‖ Poly1305-AES MAC of the ciphertext (restic design.rst, "Keys,
 * Encryption and MAC"). The IV is drawn at random, so sealing the same bytes twice gives different units.
 */
export function seal(primitives: Primitives, key: MasterKey, plain: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plain.length + sealOverheadBytes);
  sealInto(primitives, key, plain, sealed);
  return sealed;
}

/** Where in a sealed unit the ciphertext begins. */
export const ciphertextOffset = ivBytes;

/**
 * Seals `plain` to the beginning of `out`, which has `sealOverheadBytes` more than `plain`, and gives the length of the sealed unit. `plain` may
 * lie in `out` at `ciphertextOffset`, where it is overwritten, and not overlap it otherwise.
 */
export function sealInto(primitives: Primitives, key: MasterKey, plain: Uint8Array, out: Uint8Array): number {
  const sealedBytes = plain.length + sealOverheadBytes;
  invariant(out.length >= sealedBytes, "there is room for the sealed unit");
  const iv = drawIv(primitives);
  const room = out.subarray(ivBytes, ivBytes + plain.length);
  const ciphertext = primitives.aes256Ctr(key.encrypt, iv, plain, room);
  invariant(ciphertext.length === plain.length, "counter mode keeps the length");
  place(ciphertext, room);
  out.set(iv);
  out.set(mac(primitives, key, iv, room), ivBytes + plain.length);
  // So that it can't be used again: a zero IV is refused.
  iv.fill(0);
  return sealedBytes;
}

/**
 * Gives back what `seal` was given, in `room` where the platform writes into given memory. The MAC is checked before anything is decrypted.
 * `room` has the plain bytes' length at least, and does not overlap `sealed`.
 * Throws `corrupt-data` when a byte was changed or the key is another one; nobody can tell the two apart.
 */
export function open(primitives: Primitives, key: MasterKey, sealed: Uint8Array, room?: Uint8Array): Uint8Array {
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
  return primitives.aes256Ctr(key.encrypt, iv, ciphertext, room);
}

/** IVs are drawn by the hundred: a call of the random source costs ten times its 16 bytes. */
const poolBytes = 256 * ivBytes;
/** What is left of the last draw, and the source that it came from. */
let pool: { readonly source: Primitives["randomBytes"]; readonly bytes: Uint8Array; used: number } | undefined;

/** An IV that nobody had before, in memory that only the caller uses from now on. */
function drawIv({ randomBytes }: Primitives): Uint8Array {
  if (pool === undefined || pool.used === poolBytes || pool.source !== randomBytes) {
    const bytes = randomBytes(poolBytes);
    invariant(bytes.length === poolBytes, "the random source gives as much as it is asked for");
    pool = { source: randomBytes, bytes, used: 0 };
  }
  const iv = pool.bytes.subarray(pool.used, pool.used + ivBytes);
  pool.used += ivBytes;
  invariant(!isAllZero(iv), "the random source gives an IV that is not zero");
  return iv;
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
