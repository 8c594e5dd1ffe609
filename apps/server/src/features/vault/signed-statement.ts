import { createPublicKey, verify } from "node:crypto";
import type { SignedStatement } from "@saveos/contract";
import type { z } from "zod";
import { ProblemError } from "../../http/problem.ts";

/** What a vault signs begins with this, and nothing else that is ever signed does. */
const signedPrefix = "saveos vault statement v1\n";

/**
 * Reads what a vault has signed. Refuses with 400 what it hasn't signed: agents would refuse it anyhow, but only when it is too late for the person who sent it.
 * Nobody's safety rests on this check.
 */
export function readSigned<Statement>(
  schema: z.ZodType<Statement>,
  { statement, signature }: SignedStatement,
  verifyKey: string,
): Statement {
  const parsed = schema.safeParse(jsonOrUndefined(statement));
  if (parsed.success && isSigned(statement, signature, verifyKey)) return parsed.data;
  throw new ProblemError(400, "The vault has not signed this.");
}

/** What a stored statement says: it was checked when it came. */
export function readStored<Statement>(schema: z.ZodType<Statement>, { statement }: SignedStatement): Statement {
  return schema.parse(JSON.parse(statement));
}

function isSigned(statement: string, signature: string, verifyKey: string): boolean {
  const x = Buffer.from(verifyKey, "hex").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(undefined, Buffer.from(signedPrefix + statement), key, Buffer.from(signature, "hex"));
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
