import type { PolicyOf } from "./policy.ts";

/**
 * `open` hands out what a passphrase opens, and what the vault opens. Who has opened it can lock it with another passphrase and nobody could hinder them, so that is
 * `open` as well; what takes a passphrase from somebody, or moves the vault, is for owners.
 */
export const vaultPolicy: PolicyOf<"vault"> = {
  "vault:read": "viewer",
  "vault:open": "administrator",
  "vault:change": "owner",
};
