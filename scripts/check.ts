import { runCommand } from "./run-command.ts";

/**
 * `npm run check`: everything that can be said about the code without starting a server: format, lint and import boundaries, types (the
 * engine's portable core by itself, so that the compiler refuses Node and the DOM there), dead code, unit tests. Under a minute.
 */
const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["format", "oxfmt", "--check"],
  ["lint and boundaries", "oxlint", "--deny-warnings"],
  ["types: engine, portable core", "tsc", "-p", "packages/engine/tsconfig.core.json"],
  ["types: engine, Node and tests", "tsc", "-p", "packages/engine"],
  ["types: contract", "tsc", "-p", "packages/contract"],
  ["types: vault", "tsc", "-p", "packages/vault"],
  ["types: agent", "tsc", "-p", "apps/agent"],
  ["types: server", "tsc", "-p", "apps/server"],
  ["types: scripts and tests", "tsc", "-p", "."],
  ["dead code", "knip"],
  ["kernels are what their sources give", "node", "scripts/build-kernels.ts", "--check"],
  ["unit tests", "vitest", "run", "--project", "unit"],
];

/** As many as the smallest machine that this is for has cores. */
const stepsAtOnce = 2;

const waiting = [...steps];
let failures = 0;
await Promise.all(Array.from({ length: stepsAtOnce }, runWaitingSteps));
console.log(failures === 0 ? "All checks passed." : `${failures} of ${steps.length} checks failed.`);
process.exitCode = failures === 0 ? 0 : 1;

async function runWaitingSteps(): Promise<void> {
  for (let step = waiting.shift(); step; step = waiting.shift()) {
    const [stepName, command, ...args] = step;
    const { name, ok, output, seconds } = await runCommand(stepName, command, args);
    console.log(`${ok ? "✓" : "✗"} ${name} (${seconds.toFixed(1)} s)`);
    if (ok) continue;
    failures += 1;
    console.log(output.trimEnd());
  }
}
