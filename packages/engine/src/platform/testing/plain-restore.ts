import type { RestoreSettings } from "../../target/restore-settings.ts";

/** Writes everything that is in the snapshot, and does nothing besides. */
export const plainRestore = {
  overwrite: "always",
  delete: false,
  dryRun: false,
  verify: false,
  sparse: false,
  ownershipByName: false,
} satisfies RestoreSettings;
