/** Keys of machines and people, and what is sealed to them. It imports no workspace and runs wherever JavaScript does. */
export { makeIdentity, recipientOf } from "./identity.ts";
export { lockIdentity, unlockIdentity } from "./locked-identity.ts";
export { type PassphraseWeakness, weaknessOf } from "./passphrase-weakness.ts";
export { followRotations, formatPin, parsePin, type VaultPin } from "./pin.ts";
export { locationOf } from "./recovery-kit/kit-commands.ts";
export type { KitLanguage } from "./recovery-kit/kit-texts.ts";
export {
  parseRecoveryKit,
  type KitRepository,
  type KitStorage,
  type RecoveryKit,
} from "./recovery-kit/recovery-kit.ts";
export { renderRecoveryKit } from "./recovery-kit/render-recovery-kit.ts";
export { open, seal } from "./seal.ts";
export { openSealedPassword, type RepositoryPassword, sealPassword } from "./sealed-password.ts";
export {
  type NamesStatement,
  type RotationStatement,
  type SignedStatement,
  signStatement,
  type Statement,
  verifyKeyOf,
  verifyStatement,
} from "./statement.ts";
export { isVaultError, VaultError, type VaultErrorCode } from "./vault-error.ts";
