import type { PolicyOf } from "./policy.ts";

/** A plan says what is backed up and how long it is kept: a wrong one loses data. */
export const planPolicy: PolicyOf<"plans"> = { "plans:read": "viewer", "plans:change": "administrator" };
