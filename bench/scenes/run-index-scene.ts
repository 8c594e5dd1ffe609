import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { progress } from "../screen.ts";
import { resticOn } from "../tools/restic.ts";
import { saveosOn, saveosTool } from "../tools/saveos.ts";
import { type BenchRepository, benchPassword, type ToolName } from "../tools/tool.ts";
import { type BenchRun, measureWork } from "./bench-run.ts";
import { forgeIndex } from "./forge-index.ts";
import type { IndexScene } from "./scenes.ts";

/** SaveOS and restic each back up one file into the same repository, whose index names millions of blobs; borg has no such thing. */
export async function runIndexScene(scene: IndexScene, run: BenchRun): Promise<void> {
  const { tools, agentProgram, workspace, results, signal } = run;
  using scratch = workspace.scratch(`scene-${scene.name}`);
  const source = join(scratch.path, "source");
  mkdirSync(source);
  writeFileSync(join(source, "note.txt"), "The smallest of backups.\n");

  progress(`${scene.title}: making it`);
  const { path = "" } = await saveosTool(agentProgram).newRepository(scratch.path, signal);
  await forgeIndex(path, { password: benchPassword, blobs: scene.blobs, signal });

  for (let round = 1; round <= results.rounds; round++) {
    // Each round has caches of its own, so that the first opening finds none.
    using folder = workspace.scratch(join(`scene-${scene.name}`, `round-${round}`));
    const saveos = saveosOn(agentProgram, { folder: folder.path, repository: path });
    const repositories = new Map<ToolName, BenchRepository>([["SaveOS", saveos]]);
    if (tools.restic !== undefined)
      repositories.set("restic", resticOn(tools.restic, { address: path, cache: join(folder.path, "restic-cache") }));
    for (const work of scene.works)
      for (const [tool, repository] of repositories)
        await measureWork(run, repository.backUp(source), { place: { scene: scene.name, work, tool }, round });
  }
}
