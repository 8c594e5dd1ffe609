import type { PolicyOf } from "./policy.ts";

/** Live events say that something changed and never what it is now: whoever hears one must ask. */
export const eventPolicy: PolicyOf<"events"> = { "events:read": "viewer" };
