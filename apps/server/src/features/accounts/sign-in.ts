import type { SignInRequest } from "@saveos/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Kysely } from "kysely";
import type { Clock } from "../../clock.ts";
import type { AccountsDatabase } from "../../database/accounts-schema.ts";
import { ProblemError } from "../../http/problem.ts";
import { type Auth, headersOf } from "./auth.ts";
import { isPasswordOf } from "./passwords.ts";
import type { SignInLimit } from "./sign-in-limit.ts";

interface Deps {
  readonly accounts: Kysely<AccountsDatabase>;
  readonly clock: Clock;
  readonly auth: Auth;
  readonly signInLimit: SignInLimit;
}

/**
 * Begins a session for who knows the password, and sets its cookie. 401 tells nothing about which of the two is wrong. 429 after too many wrong ones: passwords,
 * unlike our own secrets, can be guessed.
 */
export async function signIn(
  { accounts, auth, signInLimit }: Deps,
  { email, password }: SignInRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  signInLimit.count(email, request.ip);
  const known = await accounts.selectFrom("users").select("id").where("email", "=", email).executeTakeFirst();
  if (!(await isPasswordOf(accounts, known?.id, password)))
    throw new ProblemError(401, "The e-mail address or the password is wrong.");
  signInLimit.forget(email, request.ip);
  await beginSession(auth, { email, password }, request, reply);
}

/** Sets the cookie of a new session. The password was found right before. */
export async function beginSession(
  auth: Auth,
  body: SignInRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { headers } = await auth
    .of(request)
    .api.signInEmail({ body, headers: headersOf(request), returnHeaders: true });
  setCookies(reply, headers);
}

/** Ends the session of a request. */
export async function endSession(auth: Auth, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { headers } = await auth.of(request).api.signOut({ headers: headersOf(request), returnHeaders: true });
  setCookies(reply, headers);
}

function setCookies(reply: FastifyReply, headers: Headers): void {
  for (const cookie of headers.getSetCookie()) reply.header("set-cookie", cookie);
}
