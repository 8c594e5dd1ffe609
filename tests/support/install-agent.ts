import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { buildAgent, outsidePackages } from "../../scripts/build-agent.ts";

/** Builds the agent into a new folder, with the packages beside it that it needs and no way to its sources. Resolves with its program. */
export async function installAgent(folder: string): Promise<string> {
  const { program } = await buildAgent(join(folder, "saveos-agent"));
  const packages = join(import.meta.dirname, "../../node_modules");
  await mkdir(join(folder, "node_modules"));
  for (const name of outsidePackages) await symlink(join(packages, name), join(folder, "node_modules", name));
  return program;
}
