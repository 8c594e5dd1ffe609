import { EngineError } from "../errors/engine-error.ts";
import { invariant } from "../errors/invariant.ts";
import { isId } from "./ids.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonBytes, jsonObject, jsonString } from "./json-text.ts";

/** A repository's config (restic design.rst, "Config"). */
export interface Config {
  readonly version: 1 | 2;
  /** 64 hex digits, random, made at init. */
  readonly id: string;
  /** The chunker's polynomial, irreducible, of degree 53. */
  readonly chunkerPolynomial: bigint;
}

export function encodeConfig({ version, id, chunkerPolynomial }: Config): Uint8Array {
  invariant(isId(id), "a repository's id is 64 hex digits");
  const text = jsonObject({
    version,
    id: jsonString(id),
    chunker_polynomial: jsonString(chunkerPolynomial.toString(16)),
  });
  return jsonBytes(text);
}

/**
 * Throws `unsupported` for a version other than 1 and 2, `corrupt-data` for anything else that is wrong. That the polynomial is irreducible
 * is left to `chunk/polynomial.ts`.
 */
export function decodeConfig(bytes: Uint8Array): Config {
  const reader = new JsonReader(bytes, "Config");
  let version = 0;
  let id = "";
  let polynomial = "";
  reader.object((key) => {
    if (key === "version") version = reader.uint32();
    else if (key === "id") id = reader.string();
    else if (key === "chunker_polynomial") polynomial = reader.string();
  });
  reader.end();
  if (version !== 1 && version !== 2) {
    throw new EngineError("unsupported", `The repository has format version ${version}; SaveOS knows 1 and 2`);
  }
  if (!isId(id)) throw new EngineError("corrupt-data", "Config has no valid repository id");
  if (!polynomialPattern.test(polynomial))
    throw new EngineError("corrupt-data", "Config has no valid chunker polynomial");
  return { version, id, chunkerPolynomial: BigInt(`0x${polynomial}`) };
}

/** Hexadecimal of at most 64 bits. */
const polynomialPattern = /^[0-9a-fA-F]{1,16}$/;
