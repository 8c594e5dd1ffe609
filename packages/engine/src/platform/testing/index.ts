/**
 * The engine's fakes, for whole-system tests of other workspaces: stores that fail and repositories that lie. Port suites are not here, because
 * they need a test runner around them. Nothing of this belongs in a product.
 */
export { autoClock } from "./auto-clock.ts";
export { backUp } from "./back-up.ts";
export { newCheapRepository } from "./cheap-repository.ts";
export {
  type Damage,
  type Failure,
  type Faults,
  faultyStore,
  type FaultyStore,
  type StoreCall,
} from "./faulty-store.ts";
export { type ForgedNode, Forger, forgeConfig, forgeKeyFile } from "./forger.ts";
export { ManualClock } from "./manual-clock.ts";
export { directory, file, type MemorySource, memorySource, type MemoryTree, symlink } from "./memory-source.ts";
export { type MemoryEntry, type MemoryTarget, memoryTarget } from "./memory-target.ts";
export { plainRestore } from "./plain-restore.ts";
export { testLock, testPassword } from "./test-repository.ts";
