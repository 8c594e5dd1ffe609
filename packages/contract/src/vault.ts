import { z } from "zod";
import { recipient, timestamp } from "./primitives.ts";

/** The public half of the key with which a vault signs (Ed25519), in hex. */
export const verifyKey = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");

/** How many identities a vault has had, this one included. */
export const generation = z.int().min(1).max(999_999_999);

/** What is sealed to a tenant's vault is sealed to this. Public; who uses it must know for certain that it is the right one. */
export const vaultPin = z.strictObject({ recipient, verify_key: verifyKey, generation });
export type VaultPin = z.infer<typeof vaultPin>;

/** Something that a vault said: the text, byte for byte as it was signed, and the signature. Whoever acts on it must check it against a vault that it knows. */
export const signedStatement = z.strictObject({
  /** A `rotationStatement` or a `namesStatement` in JSON. */
  statement: z.string().min(2).max(4096),
  signature: z.string().regex(/^[0-9a-f]{128}$/, "must be 128 lower-case hex digits"),
});
export type SignedStatement = z.infer<typeof signedStatement>;

/** The vault moves from one identity to the next. */
export const rotationStatement = z.strictObject({
  kind: z.literal("rotation"),
  from: recipient,
  to: recipient,
  to_verify_key: verifyKey,
  generation,
  at: timestamp,
});

/** Whether the server may see names in reports: the statement with the highest serial counts. Without one it may not. */
export const namesStatement = z.strictObject({
  kind: z.literal("names"),
  from: recipient,
  visible: z.boolean(),
  serial: z.int().positive(),
  at: timestamp,
});

/** What agents need to know of their tenant's vault, all of it by the server's word: they trust what they pinned, and what that signed. */
export const vaultForAgents = z.strictObject({
  /** Another one means that something of this has changed. */
  version: z.int().positive(),
  ...vaultPin.shape,
  /** From one identity to the next, since the vault was made. */
  rotations: z.array(signedStatement).max(1000),
  names: signedStatement.nullable(),
});
export type VaultForAgents = z.infer<typeof vaultForAgents>;

/** The vault's identity, locked with a passphrase: an armored age file. */
export const lockedIdentity = z
  .string()
  .max(16 * 1024)
  .regex(
    /^-----BEGIN AGE ENCRYPTED FILE-----\r?\n[A-Za-z0-9+/=\r\n]+-----END AGE ENCRYPTED FILE-----\s*$/,
    "must be an armored age file",
  );

/** A repository's password and what goes with it, sealed to the vault (age, base64). */
export const sealedPassword = z
  .string()
  .min(100)
  .max(16 * 1024)
  .regex(/^[A-Za-z0-9+/]+={0,2}$/, "must be base64");
