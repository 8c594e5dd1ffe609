import { spawnSync } from "node:child_process";
import { writeSync } from "node:fs";
import koffi from "koffi";

/*
 * `node launch.ts PROGRAM ARGUMENT…`: runs one program and tells on descriptor 3 what it took, by the system's own accounting of ended
 * children (getrusage(2), RUSAGE_CHILDREN). A process of its own for each run, because the peak is that of the largest child ever.
 */

export interface LaunchReport {
  /** Null if a signal ended it. */
  readonly exitCode: number | null;
  /** Why it could not be started. */
  readonly error?: string;
  readonly wallSeconds: number;
  /** User and system time of the program and of all that it started and waited for. */
  readonly cpuSeconds: number;
  /** The most memory that the program held at once; what the launcher itself held when it forked, 11 MB or so, is the least that can be seen. */
  readonly peakBytes: number;
}

const reportDescriptor = 3;

// Ctrl-C and the end of the bench are for the program; the launcher waits for it, so that whoever waits for the launcher waits for both.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);

const [program = "", ...args] = process.argv.slice(2);
const startedMs = performance.now();
const { status, error } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
const wallSeconds = (performance.now() - startedMs) / 1000;
const report: LaunchReport = {
  exitCode: status,
  ...(error === undefined ? {} : { error: error.message }),
  wallSeconds,
  ...usageOfChildren(),
};
writeSync(reportDescriptor, JSON.stringify(report));

function usageOfChildren(): { cpuSeconds: number; peakBytes: number } {
  const getrusage = koffi.load(null).func("int getrusage(int who, _Out_ uint8_t *usage)");
  // struct rusage: two timevals of 16 bytes, then ru_maxrss, then 13 more longs (sys/resource.h; the same on Linux and macOS, 64 bits).
  const usage = new DataView(new ArrayBuffer(144));
  const ofChildren = -1;
  if (getrusage(ofChildren, new Uint8Array(usage.buffer)) !== 0) throw new Error("getrusage failed");
  // Microseconds are an int with padding on macOS, a long on Linux: the low 32 bits hold them on both.
  const seconds = (at: number) => Number(usage.getBigInt64(at, true)) + usage.getInt32(at + 8, true) / 1e6;
  // Linux counts the peak in KiB, macOS in bytes.
  const unitBytes = process.platform === "darwin" ? 1 : 1024;
  return { cpuSeconds: seconds(0) + seconds(16), peakBytes: Number(usage.getBigInt64(32, true)) * unitBytes };
}
