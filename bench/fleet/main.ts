import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BenchError } from "../bench-error.ts";
import { machineText, thisMachine } from "../results/machine.ts";
import { type Markers, pageFile, withResults } from "../results/page.ts";
import { done, fail, paint, progress, say } from "../screen.ts";
import { fleetHelp, type FleetOptions, parseFleetOptions } from "./options.ts";
import { markdownOf, terminalLines } from "./render.ts";
import { introduction, sectionsOf } from "./report.ts";
import type { FleetResults } from "./results.ts";
import { runDue } from "./run-due.ts";
import { runLoad } from "./run-load.ts";
import { runWave } from "./run-wave.ts";
import { setStage, type Stage } from "./stage.ts";

/** The agents of which some get an order. */
const waveAgents = { full: 1000, quick: 100 };

const dueWindowMinutes = 3;

const fleetMarkers: Markers = {
  begin: "<!-- fleet: written by `npm run bench:fleet -- --write` -->",
  end: "<!-- end of fleet -->",
};

/**
 * `npm run bench:fleet`: one real server and a fleet of simulated agents, of several sizes. The server is a process of its own; this one is the load. What
 * each costs the server is read from the kernel, and what an agent or an administrator waits for is measured here. docs/performance.md says more.
 */
const stopped = Promise.withResolvers<never>();
// Whoever waits for it hears of it.
stopped.promise.catch(() => {});
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => stopped.reject(new BenchError("Stopped; what was made is removed.")));

try {
  const options = parseFleetOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(fleetHelp);
  else await benchOnStage(options);
} catch (error) {
  fail(error);
  // Agents of a fleet that was stopped go on trying.
  process.exit();
}

async function benchOnStage(options: FleetOptions): Promise<void> {
  await using stage = await setStage(options);
  await Promise.race([benchFleet(stage, options), stopped.promise]);
}

async function benchFleet(stage: Stage, options: FleetOptions): Promise<void> {
  const results: FleetResults = {
    startedAt: new Date().toISOString(),
    machine: thisMachine(),
    versions: { saveos: await versionOf("../.."), postgres: "18" },
    seconds: options.seconds,
    enrolments: [],
    runs: [],
    waves: [],
    dues: [],
  };
  say(machineText(results.machine), paint("dim", "Server, PostgreSQL and the load share it."), "");
  const keepResults = async () => {
    if (options.jsonFile !== undefined) await writeFile(options.jsonFile, `${JSON.stringify(results, undefined, 1)}\n`);
  };
  const enrol = async (count: number) => {
    const figures = await stage.enrol(count);
    if (figures !== undefined) results.enrolments.push(figures);
  };

  for (const side of options.sides) {
    if (options.orders > 0) {
      const agents = options.quick ? waveAgents.quick : waveAgents.full;
      await enrol(agents);
      results.waves.push(await runWave(stage, { side, agents, orders: options.orders }));
      await keepResults();
      done(`Gave ${options.orders} orders to agents that wait (${side}).`);
    }
    for (const agents of options.agents) {
      await enrol(agents);
      results.runs.push(await runLoad(stage, { side, agents, seconds: options.seconds }));
      await keepResults();
      done(`Measured ${agents} agents (${side}).`);
    }
    if (options.due > 0) {
      await enrol(options.due);
      results.dues.push(await runDue(stage, { side, agents: options.due, windowMinutes: dueWindowMinutes }));
      await keepResults();
      done(`Measured ${options.due} agents due at one minute (${side}).`);
    }
  }
  progress("");
  say(...terminalLines(sectionsOf(results), paint));
  if (options.writePage) await writePage(results);
}

/** Puts the results between their markers in docs/performance.md; everything else there is written by people. */
async function writePage(results: FleetResults): Promise<void> {
  const markdown = markdownOf(introduction(results), sectionsOf(results));
  await writeFile(pageFile, withResults(await readFile(pageFile, "utf8"), markdown, fleetMarkers));
}

async function versionOf(folder: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, folder, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
