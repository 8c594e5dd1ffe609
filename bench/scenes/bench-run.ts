import { join } from "node:path";
import { type Measured, measure } from "../measure/measure.ts";
import type { Command } from "../measure/command.ts";
import { type Place, type Results, workTitles } from "../results/results.ts";
import { done, progress } from "../screen.ts";
import type { FoundTools } from "../tools/find-tools.ts";
import type { Workspace } from "../workspace.ts";

/** What one run of the bench has, whatever the scene. */
export interface BenchRun {
  readonly tools: FoundTools;
  /** The agent as it was built for this run. */
  readonly agentProgram: string;
  readonly workspace: Workspace;
  readonly results: Results;
  readonly signal: AbortSignal;
}

/** Measures one work of one tool, with nothing left to write from whoever came before, and keeps the sample. */
export async function measureWork(
  run: BenchRun,
  command: Command,
  { place, round }: { place: Place; round: number },
): Promise<void> {
  const { results, workspace, signal } = run;
  const what = `${place.scene} · round ${round} of ${results.rounds} · ${workTitles[place.work]} · ${place.tool}`;
  progress(what);
  await flush(run);
  const logFile = join(workspace.logFolder, `${place.scene}-${place.work}-${place.tool}.log`);
  const measured = await measure(command, { logFile, signal });
  results.samples.push({ ...place, round, ...measured });
  done(`${what}: ${inWords(measured)}`);
}

/** Everything written goes to the disk now, so that nobody pays for the one before. */
async function flush({ workspace, signal }: BenchRun): Promise<void> {
  await measure({ program: "sync", args: [], env: {} }, { logFile: join(workspace.logFolder, "sync.log"), signal });
}

function inWords({ wallSeconds, cpuSeconds, peakBytes }: Measured): string {
  return `${wallSeconds.toFixed(2)} s, CPU ${cpuSeconds.toFixed(2)} s, ${(peakBytes / 1e6).toFixed(0)} MB`;
}
