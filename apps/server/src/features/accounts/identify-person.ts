import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { UserCaller } from "../../access/caller.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { type Auth, headersOf } from "./auth.ts";
import { keepRenewedCookies } from "./renewed-cookies.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly auth: Auth;
}

/** The methods that change nothing (RFC 9110, section 9.2.1). */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Makes a function that tells which person's session a request carries, and in which tenant they work: the one they chose, else the first they joined. Nothing
 * without a session. A cookie travels by itself, so a request that changes something must come from a page of this server: else 403.
 */
export function personIdentifier({
  accounts,
  auth,
}: Deps): (request: FastifyRequest) => Promise<UserCaller | undefined> {
  return async (request) => {
    if (request.headers.cookie === undefined) return undefined;
    const { response: found, headers } = await auth
      .of(request)
      .api.getSession({ headers: headersOf(request), returnHeaders: true });
    if (found === null) return undefined;
    keepRenewedCookies(request, headers);
    if (!safeMethods.has(request.method)) requireOwnPage(request);
    const { user, session } = found;
    const member = await accounts
      .selectFrom("members")
      .select(["tenantId", "role"])
      .where("userId", "=", user.id)
      .orderBy((row) => row("tenantId", "=", session.activeTenantId ?? user.id), "desc")
      .orderBy("createdAt")
      .orderBy("id")
      .executeTakeFirst();
    if (member === undefined)
      throw new ProblemError(403, "You belong to no tenant any more. Ask an administrator to invite you.");
    return { kind: "user", ...member, userId: user.id, name: user.name, sessionId: session.id };
  };
}

/** Browsers say where a request comes from (Fetch Metadata; RFC 6454). What says nothing is no browser, and carries no cookie that it wasn't given. */
function requireOwnPage({ headers, host }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  const { origin } = headers;
  const isOwn =
    site === undefined ? origin === undefined || hostOf(origin) === host : site === "same-origin" || site === "none";
  if (!isOwn) throw new ProblemError(403, "This request comes from a page of another site.");
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
