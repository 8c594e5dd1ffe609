export { createAuth } from "./auth.ts";
export { personIdentifier } from "./identify-person.ts";
export { newInvitation } from "./invitations.ts";
export { sendRenewedCookies } from "./renewed-cookies.ts";
export { accountRoutes } from "./routes.ts";
export { sessionSecret } from "./server-secret.ts";
export { ensureFirstTenant, makeSetUpToken, needsSetUp } from "./set-up.ts";
export { SignInLimit } from "./sign-in-limit.ts";
