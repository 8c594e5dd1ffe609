import { z } from "zod";
import { count, recipient, timestamp, uuid } from "../primitives.ts";
import {
  generation,
  lockedIdentity,
  namesStatement,
  sealedPassword,
  signedStatement,
  vaultPin,
  verifyKey,
} from "../vault.ts";
import { nextCursor } from "./pages.ts";

/** Whose passphrase it is, or what for: shown to whoever opens the vault. */
const label = z.string().trim().min(1).max(200);

/** A passphrase never gets here: only what it locks. */
export const newPassphrase = z.strictObject({ label, locked_identity: lockedIdentity });
export type NewPassphrase = z.infer<typeof newPassphrase>;

export const createVaultRequest = z.strictObject({ recipient, verify_key: verifyKey, passphrase: newPassphrase });
export type CreateVaultRequest = z.infer<typeof createVaultRequest>;

/** The vault as everybody in the tenant may know it. */
export const vault = z.strictObject({
  ...vaultPin.shape,
  created_at: timestamp,
  /** Whether agents may put names into what the server reads: as the vault's last signed choice says. */
  names_visible: z.boolean(),
  names: signedStatement.nullable(),
  rotations: z.array(signedStatement),
  passphrases: count,
  /** Repositories whose password is sealed to this generation of the vault. */
  sealed_repositories: count,
  /** While the vault rotates: machines and repositories whose password isn't sealed to this generation yet. */
  waiting: count,
  /** Passphrases of an older generation are kept until nothing waits any more. */
  is_rotating: z.boolean(),
});
export type Vault = z.infer<typeof vault>;

export const passphrase = z.strictObject({
  id: uuid,
  label,
  generation,
  created_at: timestamp,
  /** Who added it, such as `user:…` or `api-key:…`. */
  created_by: z.string(),
  /** When somebody last fetched what it locks, to open the vault with it. */
  last_fetched_at: timestamp.nullable(),
  /** How often somebody said to have mistyped it. */
  wrong_tries: count,
});
export type Passphrase = z.infer<typeof passphrase>;
export const passphraseList = z.strictObject({ passphrases: z.array(passphrase) });

export const lockedIdentityResponse = z.strictObject({ ...passphrase.shape, locked_identity: lockedIdentity });
export type LockedIdentityResponse = z.infer<typeof lockedIdentityResponse>;

/** Only for the present generation: an older one is on its way out. */
export const addPassphraseRequest = z.strictObject({ ...newPassphrase.shape, generation });

export const rotateVaultRequest = z.strictObject({
  rotation: signedStatement,
  /** Of the new identity. Other administrators' are added afterwards, by somebody who has opened the vault. */
  passphrases: z.array(newPassphrase).min(1).max(50),
  /** The choice about names, signed by the new identity; without it the server may not see them. */
  names: signedStatement.nullable().default(null),
});
export type RotateVaultRequest = z.infer<typeof rotateVaultRequest>;

export const rotationProgress = z.strictObject({
  generation,
  is_done: z.boolean(),
  /** Of all that wait, the first thousand by name. */
  agents: z.array(z.strictObject({ agent_id: uuid, hostname: z.string(), sealed_generation: generation.nullable() })),
  /** Repositories without a machine that could seal their password again: who has the older identity must. */
  repositories: z.array(uuid),
});
export type RotationProgress = z.infer<typeof rotationProgress>;

export const changeNamesRequest = z.strictObject({ names: signedStatement });
export const namesChoice = namesStatement;

/** An agent seals its own repository's password. */
export const sealPasswordRequest = z.strictObject({ generation, sealed: sealedPassword });
export type SealPasswordRequest = z.infer<typeof sealPasswordRequest>;

/** Somebody who has opened the vault seals a password again for its present generation. */
export const resealPasswordRequest = z.strictObject({
  repository_id: uuid,
  agent_id: uuid,
  ...sealPasswordRequest.shape,
});

/**
 * Of each agent and generation, what it sealed first and what it sealed last are kept, and what an administrator sealed again: so an agent that was taken over can't
 * lock the vault's owners out. The one that opens the repository is the right one.
 */
export const sealedPasswordOf = z.strictObject({
  repository_id: uuid,
  agent_id: uuid,
  hostname: z.string(),
  generation,
  kept_as: z.enum(["first", "last", "resealed"]),
  sealed: sealedPassword,
  sealed_at: timestamp,
});
export type SealedPasswordOf = z.infer<typeof sealedPasswordOf>;
export const sealedPasswordList = z.strictObject({
  sealed_passwords: z.array(sealedPasswordOf),
  next_cursor: nextCursor,
});
