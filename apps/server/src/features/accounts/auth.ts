import { randomUUID } from "node:crypto";
import { betterAuth } from "better-auth";
import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";

export const passwordMinLength = 12;
/** scrypt hashes the whole of it. */
export const passwordMaxLength = 256;

const dayS = 24 * 60 * 60;
/** A session that isn't used for a week is over; one that is used is renewed once a day. */
const sessionS = 7 * dayS;

export type Auth = ReturnType<typeof createAuth>;

/**
 * better-auth, which keeps people, their password hashes and their sessions. None of its own HTTP routes are served: `routes.ts` calls it, so that every
 * way in is in the OpenAPI document, is limited and is written down.
 */
export function createAuth({ accounts, secret }: { accounts: Kysely<AccountsDatabase>; secret: string }) {
  const optionsFor = (isSecure: boolean) => ({
    appName: "SaveOS",
    secret,
    // Only cookies are made by it, and those for the host that was asked: the name itself is never used.
    baseURL: `${isSecure ? "https" : "http"}://localhost`,
    database: { db: accounts, type: "postgres" as const },
    telemetry: { enabled: false },
    logger: { disabled: true },
    user: { modelName: "users" },
    account: { modelName: "userAccounts" },
    verification: { modelName: "userVerifications" },
    session: {
      modelName: "userSessions",
      expiresIn: sessionS,
      updateAge: dayS,
      additionalFields: { activeTenantId: { type: "string" as const, required: false, input: false } },
    },
    emailAndPassword: {
      enabled: true,
      minPasswordLength: passwordMinLength,
      maxPasswordLength: passwordMaxLength,
      autoSignIn: false,
    },
    rateLimit: { enabled: false },
    advanced: {
      cookiePrefix: "saveos",
      useSecureCookies: isSecure,
      defaultCookieAttributes: { sameSite: "strict" as const, httpOnly: true, path: "/" },
      database: { generateId: () => randomUUID() },
    },
  });
  const overTls = betterAuth(optionsFor(true));
  const plain = betterAuth(optionsFor(false));
  return {
    /** For a request that came by TLS, cookies never leave it; people on this machine may do without. */
    of: ({ protocol }: FastifyRequest) => (protocol === "https" ? overTls : plain),
  };
}

/** The headers of a request as better-auth reads them. */
export function headersOf({ headers }: FastifyRequest): Headers {
  const { cookie, "user-agent": userAgent } = headers;
  return new Headers({
    ...(cookie === undefined ? {} : { cookie }),
    ...(userAgent === undefined ? {} : { "user-agent": userAgent }),
  });
}
