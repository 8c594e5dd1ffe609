import { writeFile } from "node:fs/promises";
import { installAgent } from "../tests/support/install-agent.ts";
import { BenchError } from "./bench-error.ts";
import { inGigabytes, neededBytes, requireSpace } from "./disk-space.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { judgeGoals } from "./results/goals.ts";
import { machineText, thisMachine } from "./results/machine.ts";
import { writePage } from "./results/page.ts";
import type { Results } from "./results/results.ts";
import { tableLines } from "./results/table.ts";
import { runCorpusScene } from "./scenes/run-corpus-scene.ts";
import { runIndexScene } from "./scenes/run-index-scene.ts";
import { makeScenes, type Scene } from "./scenes/scenes.ts";
import { fail, paint, say } from "./screen.ts";
import { findTools, type FoundTools, versionsText, warnings } from "./tools/find-tools.ts";
import { openWorkspace } from "./workspace.ts";

/**
 * `npm run bench`: SaveOS, restic and borg do the same works on the same data, one after the other, round after round; the medians make one
 * table. Restores are compared with the data, and stock restic must accept what SaveOS wrote: else the bench fails. SaveOS is built first, into
 * a folder of this run: so it will be installed, and editing the sources meanwhile does not change it. docs/performance.md says what is measured and how.
 */
const exitIncomplete = 3;

const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => stopped.abort(new BenchError("Stopped; what was made is removed.")));

try {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options.help) process.stdout.write(helpText);
  else await bench(options, stopped.signal);
} catch (error) {
  // What fails after Ctrl-C fails because of it.
  fail(stopped.signal.aborted ? stopped.signal.reason : error);
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  const scenes = chooseScenes(options);
  const tools = await findTools(process.env);
  const results = emptyResults(scenes, tools, options);
  using workspace = await openWorkspace(options);
  using installation = workspace.scratch("installation");
  const agentProgram = await installAgent(installation.path);
  const bytes = await neededBytes(scenes, workspace);
  say(paint("bold", versionsText(tools)), machineText(results.machine));
  say(paint("dim", `In ${workspace.path}, with up to ${inGigabytes(bytes)} of disk.`));
  say(...warnings(tools).map((warning) => paint("yellow", warning)), "");
  await requireSpace(bytes, workspace);

  const run = { tools, agentProgram, workspace, results, signal };
  for (const scene of scenes) {
    await (scene.kind === "corpus" ? runCorpusScene(scene, run) : runIndexScene(scene, run));
    // After each again: a failure late in a long run costs no more than its own scene.
    if (options.jsonFile !== undefined) await writeFile(options.jsonFile, `${JSON.stringify(results, undefined, 1)}\n`);
  }

  say(...tableLines(results, paint));
  say(...whatIsProved(results));
  if (options.writePage) await writePage(results);
  if (options.requirePeers && tools.missing.length > 0) process.exitCode = exitIncomplete;
}

function emptyResults(scenes: readonly Scene[], { versions }: FoundTools, { rounds, quick }: Options): Results {
  return {
    startedAt: new Date().toISOString(),
    machine: thisMachine(),
    versions,
    rounds,
    quick,
    scenes: scenes.map(({ name, title, works }) => ({ name, title, works })),
    samples: [],
    sizes: [],
    acceptedByRestic: [],
  };
}

function chooseScenes({ quick, scenes, works }: Options): Scene[] {
  const all = makeScenes({ quick });
  const isWanted = (work: Scene["works"][number]) => works === undefined || work === "full" || works.includes(work);
  return scenes.map((name) => ({ ...all[name], works: all[name].works.filter(isWanted) }));
}

function whatIsProved(results: Results): string[] {
  const { acceptedByRestic, quick } = results;
  const hasRestored = results.samples.some(({ work }) => work === "restore");
  return [
    ...(hasRestored ? ["Every restore was compared with its data: equal."] : []),
    acceptedByRestic.length > 0
      ? `restic check --read-data accepted SaveOS's repositories of ${acceptedByRestic.join(", ")}.`
      : "No repository was judged by restic.",
    // Small data is mostly start-up: targets are for the real size.
    ...(quick ? [] : targetsInWords(results)),
  ];
}

function targetsInWords(results: Results): string[] {
  const judged = judgeGoals(results).filter(({ verdict }) => verdict !== "not measured");
  const missed = judged.filter(({ verdict }) => verdict === "missed");
  if (judged.length === 0) return [];
  const count = `${judged.length - missed.length} of ${judged.length} targets met.`;
  return [missed.length === 0 ? count : `${count} Missed: ${missed.map(({ title }) => title).join("; ")}.`];
}
