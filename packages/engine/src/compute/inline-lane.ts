import { invariant } from "../errors/invariant.ts";
import { free } from "../flow/free.ts";
import { BackupLane, type BackupLaneDeps } from "./backup-lane.ts";
import type { Lane } from "./lane.ts";
import { PackChecker } from "./sound-pack.ts";

/** A lane in this thread. Each call runs to its end at once. */
export function inlineLane(deps: BackupLaneDeps): Lane {
  let backup: BackupLane | undefined;
  let checker: PackChecker | undefined;
  const running = () => {
    invariant(backup !== undefined, "a lane's backup is opened before it is used");
    return backup;
  };
  // Async functions turn what is thrown into rejections, as the port promises.
  return {
    openBackup: async (settings) => {
      backup?.close();
      backup = new BackupLane(deps, settings);
    },
    hashFiles: async (slot, files) => running().hashFiles(slot, files),
    findCuts: async (path, offset) => running().findCuts(path, offset),
    hashChunks: async (slot, path, offset, lengths) => running().hashChunks(slot, path, offset, lengths),
    pack: async (slot, wanted) => running().pack(slot, wanted),
    giveBack: async (packBytes) => running().giveBack(packBytes),
    finishPack: async () => running().finishPack(),
    openCheck: async ({ masterKey, version }) => void (checker = new PackChecker(deps, masterKey, version)),
    checkPack: async (pack) => {
      invariant(checker !== undefined, "a lane's check is opened before it is used");
      const isSound = checker.isSound(pack);
      if (pack.content instanceof Uint8Array) free(pack.content);
      return isSound;
    },
    close: async () => {
      backup?.close();
      backup = undefined;
      checker = undefined;
    },
  };
}
