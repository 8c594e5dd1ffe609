import { ed25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { recipientOf } from "./identity.ts";
import { VaultError } from "./vault-error.ts";

/** The vault moves: from now on, what is for it is sealed to `to`. Signed by the identity that it moves away from. */
export interface RotationStatement {
  readonly kind: "rotation";
  readonly from: string;
  readonly to: string;
  /** Hex. */
  readonly to_verify_key: string;
  /** Of the vault after it moved. */
  readonly generation: number;
  /** RFC 3339. */
  readonly at: string;
}

/** Whether the server may see names in reports. The highest serial counts. */
export interface NamesStatement {
  readonly kind: "names";
  /** The vault that says so. */
  readonly from: string;
  readonly visible: boolean;
  readonly serial: number;
  readonly at: string;
}

export type Statement = RotationStatement | NamesStatement;

/** A statement as it travels: its text, byte for byte as it was signed. */
export interface SignedStatement {
  /** JSON. */
  readonly statement: string;
  /** Ed25519 (RFC 8032), hex. */
  readonly signature: string;
}

/** Nothing else that is ever signed begins like this. */
const signedPrefix = "saveos vault statement v1\n";
/** The signing key is a key of its own: what is known of one tells nothing of the other (RFC 5869, section 3.2). */
const signingInfo = "saveos vault signing key v1";
const keyBytes = 32;
const statementMaxLength = 4096;

/** The public half of the key with which an identity signs, in hex. Rejects with `invalid-identity`. */
export async function verifyKeyOf(identity: string): Promise<string> {
  return ed25519.getPublicKey(await signingKeyOf(identity)).toHex();
}

/** Says something in the name of the vault. Rejects with `not-signed` where it would speak for another vault. */
export async function signStatement(identity: string, statement: Statement): Promise<SignedStatement> {
  if (statement.from !== (await recipientOf(identity)))
    throw new VaultError("not-signed", "A vault's statement is signed by its own identity");
  const text = JSON.stringify(inOrder(statement));
  return { statement: text, signature: ed25519.sign(signedBytes(text), await signingKeyOf(identity)).toHex() };
}

/**
 * What a statement says, once it is certain that the vault with this verify key and recipient said it. Rejects with `not-signed` whatever is wrong with it:
 * no other key's, no other vault's and no other text's signature passes.
 */
export function verifyStatement(
  { recipient, verifyKey }: { readonly recipient: string; readonly verifyKey: string },
  signed: SignedStatement,
): Statement {
  if (signed.statement.length > statementMaxLength || !isSignedBy(verifyKey, signed)) throw notSigned();
  const statement = parseStatement(signed.statement);
  if (statement === undefined || statement.from !== recipient) throw notSigned();
  return statement;
}

function isSignedBy(verifyKey: string, { statement, signature }: SignedStatement): boolean {
  try {
    // `zip215: false` is RFC 8032 to the letter: one signature has one form, on every side.
    return ed25519.verify(Uint8Array.fromHex(signature), signedBytes(statement), Uint8Array.fromHex(verifyKey), {
      zip215: false,
    });
  } catch {
    return false;
  }
}

async function signingKeyOf(identity: string): Promise<Uint8Array> {
  // Refuses what is no identity; one identity has one text, so the text is as good as its bytes.
  await recipientOf(identity);
  return hkdf(sha256, utf8(identity), undefined, utf8(signingInfo), keyBytes);
}

function signedBytes(text: string): Uint8Array {
  return utf8(signedPrefix + text);
}

/** The same statement is always the same text. */
function inOrder(statement: Statement): Statement {
  const { kind, from } = statement;
  if (kind === "names") return { kind, from, visible: statement.visible, serial: statement.serial, at: statement.at };
  const { to, to_verify_key, generation, at } = statement;
  return { kind, from, to, to_verify_key, generation, at };
}

function parseStatement(text: string): Statement | undefined {
  const statement = statementIn(text);
  // It has the fields that it should have and no others, in their one order.
  return statement !== undefined && JSON.stringify(inOrder(statement)) === text ? statement : undefined;
}

function statementIn(text: string): Statement | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { kind, from, at, to, to_verify_key, generation, visible, serial } = value as Record<string, unknown>;
  if (!isText(from) || !isText(at)) return undefined;
  if (kind === "rotation" && isText(to) && isText(to_verify_key) && isCount(generation))
    return { kind, from, to, to_verify_key, generation, at };
  if (kind === "names" && typeof visible === "boolean" && isCount(serial)) return { kind, from, visible, serial, at };
  return undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function notSigned(): VaultError {
  return new VaultError("not-signed", "The vault did not sign this");
}
