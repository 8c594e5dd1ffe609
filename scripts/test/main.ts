import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { bringPeers, type MissingPeer } from "./bring-peers.ts";

/**
 * `npm test`: every suite. First it brings what the suites need from outside (Debian's packages, where it may); a suite whose peer is missing
 * is skipped by name with the reason, and where `CI=true` a skip is a failure. The last line counts: `123 passed, 0 failed`.
 */
const missing = await bringPeers();
const resultsFile = join(tmpdir(), `saveos-test-results-${process.pid}.json`);
const exitCode = await runVitest(process.argv.slice(2), missing, resultsFile);
const { passed, failed, skipped } = await readCounts(resultsFile);
await rm(resultsFile, { force: true });

for (const { name, reason } of missing) console.log(`Missing: ${name}: ${reason}`);
const skipIsFailure = process.env["CI"] === "true" && skipped > 0;
if (skipIsFailure) console.log("Skipped tests count as failures, because CI=true.");
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = exitCode !== 0 || failed > 0 || passed === 0 || skipIsFailure ? 1 : 0;

async function runVitest(args: readonly string[], absent: readonly MissingPeer[], outputFile: string): Promise<number> {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${outputFile}`];
  const child = spawn("vitest", ["run", ...reporters, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, SAVEOS_TEST_MISSING: JSON.stringify(absent) },
  });
  return await new Promise((resolve, reject) => child.on("error", reject).on("close", (code) => resolve(code ?? 1)));
}

interface TestFile {
  readonly status: string;
  readonly assertionResults: readonly { readonly status: string }[];
}

/** A file that failed without a failed test, such as one that can't be loaded, counts as one failure. */
async function readCounts(file: string): Promise<{ passed: number; failed: number; skipped: number }> {
  const { testResults } = JSON.parse(await readFile(file, "utf8")) as { testResults: readonly TestFile[] };
  const count = (...statuses: string[]): number =>
    testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => statuses.includes(status))
      .length;
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  return {
    passed: count("passed"),
    failed: count("failed") + brokenFiles.length,
    skipped: count("pending", "skipped", "todo", "disabled"),
  };
}
