#!/usr/bin/env node
import os from "node:os";
import { AgentError } from "./errors/agent-error.ts";
import { exitCode } from "./errors/exit-code.ts";
import { machineClock } from "./host/clock.ts";
import { keepYoungObjectsFew } from "./host/young-objects.ts";
import { run } from "./run.ts";
import { askSecret } from "./terminal/ask-secret.ts";
import { streamOutput } from "./terminal/output.ts";

const interruption = new AbortController();

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    // The first one lets the command release its lock; whoever sends a second one does not want to wait for that.
    if (interruption.signal.aborted) process.exit(exitCode.interrupted);
    interruption.abort(new AgentError("interrupted", `Stopped by ${name}.`));
  });
}

for (const stream of [process.stdout, process.stderr]) {
  // Whoever read the output, such as `head`, has seen enough: go quietly, but let the lock be released.
  stream.on("error", () => interruption.abort(new AgentError("output-closed", "Nobody reads the output any more.")));
}

keepYoungObjectsFew();

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  platform: process.platform,
  homeFolder: os.homedir(),
  workingFolder: process.cwd(),
  stdin: process.stdin,
  stdout: streamOutput(process.stdout),
  stderr: streamOutput(process.stderr),
  clock: machineClock,
  random: Math.random,
  signal: interruption.signal,
  askSecret: process.stdin.isTTY
    ? (question) => askSecret({ input: process.stdin, output: process.stderr }, question)
    : undefined,
});
