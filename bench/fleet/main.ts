import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { machineText, thisMachine } from "../results/machine.ts";
import { done, fail, paint, say } from "../screen.ts";
import { fleetHelp, type FleetOptions, parseFleetOptions } from "./options.ts";
import type { FleetResults } from "./results.ts";
import { runDue } from "./run-due.ts";
import { runLoad } from "./run-load.ts";
import { runWave } from "./run-wave.ts";
import { setStage } from "./stage.ts";

/**
 * `npm run bench:fleet`: one real server and a fleet of simulated agents, of several sizes. The server is a process of its own; this one is the load. What
 * each costs the server is read from the kernel, and what an agent or an administrator waits for is measured here. docs/performance.md says more.
 */
try {
  const options = parseFleetOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(fleetHelp);
  else await benchFleet(options);
} catch (error) {
  fail(error);
}

/** The agents of which some get an order, or as many as there are in a quick run. */
const waveAgents = 1000;

const dueWindowMinutes = 3;

async function benchFleet(options: FleetOptions): Promise<void> {
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
  await using stage = await setStage(options);
  const keepResults = async () => {
    if (options.jsonFile !== undefined) await writeFile(options.jsonFile, `${JSON.stringify(results, undefined, 1)}\n`);
  };
  const enrol = async (count: number) => {
    const figures = await stage.enrol(count);
    if (figures !== undefined) results.enrolments.push(figures);
  };

  for (const side of options.sides) {
    if (options.orders > 0) {
      const agents = options.quick ? 100 : waveAgents;
      await enrol(agents);
      results.waves.push(await runWave(stage, { side, agents, orders: options.orders }));
      done(JSON.stringify(results.waves.at(-1)));
      await keepResults();
    }
    for (const agents of options.agents) {
      await enrol(agents);
      results.runs.push(await runLoad(stage, { side, agents, seconds: options.seconds }));
      done(JSON.stringify(results.runs.at(-1)));
      await keepResults();
    }
    if (options.due > 0) {
      await enrol(options.due);
      results.dues.push(await runDue(stage, { side, agents: options.due, windowMinutes: dueWindowMinutes }));
      done(JSON.stringify(results.dues.at(-1)));
      await keepResults();
    }
  }
}

async function versionOf(folder: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, folder, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
