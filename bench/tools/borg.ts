import { join } from "node:path";
import type { Command } from "../measure/command.ts";
import { measure } from "../measure/measure.ts";
import { benchPassword, type Tool } from "./tool.ts";

/**
 * Borg with its defaults: compression lz4, which is faster and weaker than the zstd of the other two. It has no default for encryption:
 * `repokey` is what its quick start takes (AES-256-CTR, HMAC-SHA-256).
 */
export function borgTool(program: string): Tool {
  return {
    name: "borg",
    newRepository: async (folder, signal) => {
      const path = join(folder, "repository");
      const command = (...args: string[]): Command => ({
        program,
        args,
        env: {
          BORG_REPO: path,
          BORG_PASSPHRASE: benchPassword,
          // Its cache, keys and configuration.
          BORG_BASE_DIR: join(folder, "base"),
        },
      });
      await measure(command("init", "--encryption=repokey"), { logFile: join(folder, "init.log"), signal });
      let newest = 0;
      return {
        path,
        backUp: (source) => command("create", `::backup-${++newest}`, source),
        restore: (target) => ({ ...command("extract", `::backup-${newest}`), cwd: target }),
        check: () => command("check", "--verify-data"),
      };
    },
  };
}
