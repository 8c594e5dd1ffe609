import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { VaultError } from "./vault-error.ts";

/** A new key pair's private half, as text: `AGE-SECRET-KEY-1…` (https://age-encryption.org/v1, X25519). Whoever has it opens what is sealed to it. */
export async function makeIdentity(): Promise<string> {
  return await generateX25519Identity();
}

/** The public half, as text: `age1…`. It may be known to anybody. Rejects with `invalid-identity`. */
export async function recipientOf(identity: string): Promise<string> {
  requireX25519Identity(identity);
  try {
    return await identityToRecipient(identity);
  } catch (cause) {
    throw invalidIdentity(cause);
  }
}

/** Whether a text has the form of an X25519 recipient. */
export function isRecipient(text: string): boolean {
  return /^age1[02-9ac-hj-np-z]{58}$/.test(text);
}

/** age has other kinds of identities; those of machines are of this kind only. */
export function requireX25519Identity(identity: string): void {
  if (!identity.startsWith("AGE-SECRET-KEY-1")) throw invalidIdentity();
}

export function invalidIdentity(cause?: unknown): VaultError {
  return new VaultError("invalid-identity", "This is no age identity (AGE-SECRET-KEY-1…)", { cause });
}
