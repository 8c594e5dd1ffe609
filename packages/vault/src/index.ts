/** Keys of machines and people, and what is sealed to them. It imports no workspace and runs wherever JavaScript does. */
export { makeIdentity, recipientOf } from "./identity.ts";
export { open, seal } from "./seal.ts";
export { isVaultError, VaultError, type VaultErrorCode } from "./vault-error.ts";
