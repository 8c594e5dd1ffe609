import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import type { Primitives, ScryptCost } from "./primitives.ts";
import { checkScryptCost } from "./scrypt-cost.ts";

/**
 * The key that opens everything in a repository (restic design.rst, "Keys, Encryption and MAC"). All key files of a repository
 * wrap the same one; a password only opens a key file.
 */
export interface MasterKey {
  /** AES-256 key, 32 bytes. */
  readonly encrypt: Uint8Array;
  /** Poly1305-AES: the AES-128 key `k`, 16 bytes. */
  readonly macK: Uint8Array;
  /** Poly1305-AES: `r`, 16 bytes, stored as drawn and clamped when used. */
  readonly macR: Uint8Array;
}

const encryptBytes = 32;
const macKBytes = 16;
const macRBytes = 16;
const keyMaterialBytes = encryptBytes + macKBytes + macRBytes;

/** Draws the key of a new repository. */
export function generateMasterKey(primitives: Primitives): MasterKey {
  const key = splitKeyMaterial(primitives.randomBytes(keyMaterialBytes));
  invariant(isUsable(key), "the random source gives keys that are not zero");
  return key;
}

/**
 * The key that a password stands for: it opens the `data` of the key file that `salt` and `cost` came from. The password's UTF-8
 * bytes are taken as typed, as restic takes them, with no Unicode normalisation. Throws `corrupt-data` for a cost that `checkScryptCost` refuses.
 */
export async function deriveUserKey(
  primitives: Primitives,
  password: string,
  salt: Uint8Array,
  cost: ScryptCost,
): Promise<MasterKey> {
  checkScryptCost(cost);
  return splitKeyMaterial(await primitives.scrypt(new TextEncoder().encode(password), salt, cost, keyMaterialBytes));
}

/** The JSON that a key file seals: `{"mac":{"k":…,"r":…},"encrypt":…}`, in this order, each in base64. */
export function encodeMasterKey(key: MasterKey): Uint8Array {
  const json = { mac: { k: key.macK.toBase64(), r: key.macR.toBase64() }, encrypt: key.encrypt.toBase64() };
  return new TextEncoder().encode(JSON.stringify(json));
}

/** Reads what `encodeMasterKey` wrote. Throws `corrupt-data` for anything else, and for a part that is all zero. Never repeats the bytes. */
export function decodeMasterKey(bytes: Uint8Array): MasterKey {
  const json = parseObject(bytes);
  const mac = asRecord(json["mac"]);
  const key = {
    encrypt: keyPart(json["encrypt"], "encrypt", encryptBytes),
    macK: keyPart(mac["k"], "mac.k", macKBytes),
    macR: keyPart(mac["r"], "mac.r", macRBytes),
  };
  if (!isUsable(key)) throw new EngineError("corrupt-data", "A part of the master key is all zero");
  return key;
}

function splitKeyMaterial(bytes: Uint8Array): MasterKey {
  invariant(bytes.length === keyMaterialBytes, "key material is 64 bytes");
  return {
    encrypt: bytes.slice(0, encryptBytes),
    macK: bytes.slice(encryptBytes, encryptBytes + macKBytes),
    macR: bytes.slice(encryptBytes + macKBytes),
  };
}

function isUsable(key: MasterKey): boolean {
  return [key.encrypt, key.macK, key.macR].every((part) => part.some((byte) => byte !== 0));
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    // The cause is left out on purpose: a JSON error quotes the text, and the text is the key.
    throw new EngineError("corrupt-data", "The master key inside a key file is not JSON");
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

function keyPart(value: unknown, name: string, lengthBytes: number): Uint8Array {
  const bytes = typeof value === "string" ? decodeBase64(value) : undefined;
  if (bytes?.length !== lengthBytes)
    throw new EngineError("corrupt-data", `The master key's ${name} is not ${lengthBytes} bytes of base64`);
  return bytes;
}

function decodeBase64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}
