import { createHash, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";

/**
 * What a secret opens: the API to a program, the server to an agent, enrolment to a new machine once, the door to a new person once, or deletion to one run
 * of a job.
 */
export type SecretKind = "key" | "agent" | "enrol" | "invite" | "grant";

/** A secret as it is handed out, once. The id finds it again; only the hash of the random part is kept. */
export interface NewSecret {
  readonly id: string;
  readonly text: string;
  readonly sha256: Buffer;
}

/** A secret as it came in: well-formed, but not yet known to be true. */
export interface ClaimedSecret {
  readonly kind: SecretKind;
  readonly id: string;
  readonly sha256: Buffer;
}

/**
 * 256 random bits. No list or guess finds them, so a plain SHA-256 of them protects as well as a slow password hash would, and a request costs
 * microseconds.
 */
const secretBytes = 32;

const grammar =
  /^saveos_(key|agent|enrol|invite|grant)_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;

/** Makes a secret such as `saveos_key_<id>_<random part>`: programs that look for leaked secrets find it by its beginning. */
export function makeSecret(kind: SecretKind, id: string = randomUUID()): NewSecret {
  const random = randomBytes(secretBytes).toString("base64url");
  return { id, text: `saveos_${kind}_${id}_${random}`, sha256: sha256(random) };
}

/** Reads a secret that somebody presents; nothing if it can't be one of ours. */
export function readSecret(text: string): ClaimedSecret | undefined {
  const [, kind, id, random] = grammar.exec(text) ?? [];
  if (id === undefined || random === undefined) return undefined;
  return { kind: kind as SecretKind, id, sha256: sha256(random) };
}

/** Whether a claimed secret is the one whose hash was kept, in a time that tells nothing about either. */
export function isSecret(claimed: ClaimedSecret, keptSha256: Uint8Array): boolean {
  return keptSha256.length === claimed.sha256.length && timingSafeEqual(claimed.sha256, keptSha256);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
