import type { FastifyRequest } from "fastify";
import { ProblemError } from "./problem.ts";

/** The header that names a version of a resource (RFC 9110, section 8.8.3). */
export function etagOf(version: string | number): { readonly etag: string } {
  return { etag: `"${version}"` };
}

/**
 * Refuses with 412 to change a resource that is no longer the version which the request's `If-Match` names (RFC 9110, section 13.1.1): somebody else was faster.
 * Call it in the transaction that changes the resource. Without the header, the last one wins.
 */
export function requireMatch({ headers }: FastifyRequest, version: string | number): void {
  const wanted = headers["if-match"];
  if (wanted === undefined || wanted.trim() === "*") return;
  const tags = wanted.split(",").map((tag) => tag.trim());
  if (tags.includes(etagOf(version).etag)) return;
  throw new ProblemError(412, "This was changed by somebody else since you read it. Read it again and decide anew.");
}

/** Whether the asker has this version already, as its `If-None-Match` says (RFC 9110, section 13.1.2): then 304 is the answer. */
export function isUnchanged({ headers }: FastifyRequest, version: string | number): boolean {
  const known = headers["if-none-match"]?.split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  return known !== undefined && (known.includes("*") || known.includes(etagOf(version).etag));
}
