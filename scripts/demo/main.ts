import { parseArgs } from "node:util";
import { apiOf } from "./api.ts";
import { backUpByOrder } from "./back-up-by-order.ts";
import { compareFolders, describeFolder } from "./describe-folder.ts";
import { enrol } from "./enrol.ts";
import { judgeWithRestic } from "./judge-with-restic.ts";
import { changeOneFile, loseFolder, workingCopy } from "./working-copy.ts";
import { restoreElsewhere } from "./restore-elsewhere.ts";
import { bytes, count, DemoError, fail, say, step } from "./screen.ts";
import { createApiKey, startServer } from "./server.ts";
import { makeWorkspace } from "./workspace.ts";

/**
 * `npm run demo [-- FOLDER] [--exit]`: the main job, end to end, on this machine: a server, an agent, two backups, a loss, and a restore on
 * another agent that is compared to the byte. Nothing is simulated: these are the programs that people run, and every figure is measured.
 */
const { values, positionals } = parseArgs({
  options: { exit: { type: "boolean", default: false } },
  allowPositionals: true,
});
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.abort(new DemoError("Stopped.")));

try {
  await runDemo(positionals[0], stopped.signal);
} catch (error) {
  fail(error);
}

async function runDemo(givenFolder: string | undefined, signal: AbortSignal): Promise<void> {
  await using workspace = await makeWorkspace();
  say(`SaveOS demo: everything happens in ${workspace.path}`);
  const folder = await step(
    "Prepare a folder",
    () => workingCopy(workspace, givenFolder),
    ({ files, size }) => `${count(files)} files, ${bytes(size)}`,
  );

  await using server = await step(
    "Start the server",
    () => startServer(workspace, signal),
    ({ url }) => url,
  );
  const key = await createApiKey(workspace);
  const api = apiOf(server.loopbackUrl, key, signal);
  await using agent = await step(
    "Enrol this machine",
    () => enrol(workspace, api, { name: "agent-a" }),
    ({ id }) => `agent ${id}`,
  );
  await agent.startDaemon();

  const before = await describeFolder(folder.path);
  const first = await backUpByOrder(api, agent, folder.path, "Back up the folder");
  const changed = await changeOneFile(folder.path);
  const second = await backUpByOrder(api, agent, folder.path, `Change ${changed}, back up again`);
  await step(
    "Lose the folder",
    () => loseFolder(folder.path),
    () => "it is gone",
  );

  const restored = await restoreElsewhere(workspace, api, agent, { snapshotId: first.snapshotId, folder: folder.path });
  await step(
    "Compare with the original",
    async () => compareFolders(before, await describeFolder(restored.path)),
    ({ entries }) => `${count(entries)} entries equal: every byte, mode and nanosecond`,
  );
  const verdict = await judgeWithRestic(server, agent, key, signal);

  say(
    "",
    `The first snapshot came back whole on another agent, in ${restored.seconds.toFixed(1)} s.`,
    `The second backup sent ${bytes(second.sentBytes)}; the first ${bytes(first.sentBytes)} for ${bytes(first.totalBytes)} of files.`,
    verdict,
    `The server that kept them never saw a key: the password is in ${agent.home}, on the agent's side.`,
    "",
    `The server runs at ${server.url} (people: ${server.loopbackUrl}, API: ${server.loopbackUrl}/docs).`,
  );
  if (values.exit) return;
  say(`API key: ${key}`, "Ctrl-C stops it and removes everything.");
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
