import { readdirSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import koffi from "koffi";
import { check, SystemCallError } from "./posix-library.ts";

/**
 * Lets other programs of this machine go first, for the processor and, on Linux, for the disk. It holds for all threads that run now and for
 * those that they start; it can't be taken back without special rights. Returns what the system refused, as sentences: nothing to fail for.
 */
export function lowerProcessPriority(): string[] {
  if (process.platform !== "linux") return problems("processor", () => lowerThread(0));
  // Linux gives each thread a priority of its own, and some threads of Node run since its start.
  const threads = readdirSync("/proc/self/task").map(Number);
  return [
    ...problems("processor", () => threads.forEach((id) => unlessEnded(() => lowerThread(id)))),
    ...problems("disk", () => lowerDiskPriority(threads)),
  ];
}

/**
 * 10 on POSIX, "below normal" on Windows: a tenth of the processor beside one program that wants all of it. The lowest there is would be a
 * seventieth, and on a busy machine the lock would not be renewed in time.
 */
const lowPriority = constants.priority.PRIORITY_BELOW_NORMAL;

function lowerDiskPriority(threads: readonly number[]): void {
  const number = ioprioSetNumbers[process.arch];
  if (number === undefined) throw new SystemCallError("ioprio_set", koffi.os.errno["ENOSYS"] ?? 0);
  const syscall = koffi.load(null).func("long syscall(long, ...)") as (number: number, ...words: unknown[]) => number;
  for (const id of threads)
    unlessEnded(() => check("ioprio_set", syscall(number, "int", thread, "int", id, "int", idle)));
}

/** ioprio_set(2) has no function in C libraries: the number of the call (Linux, arch/…/syscall tables). */
const ioprioSetNumbers: Readonly<Partial<Record<NodeJS.Architecture, number>>> = { x64: 251, arm64: 30 };
/** IOPRIO_WHO_PROCESS, which means one thread. */
const thread = 1;
/** IOPRIO_CLASS_IDLE: only when nobody else uses the disk. The kernel's schedulers see to it that this is not never. */
const idle = 3 << 13;

/** Whoever started us may have asked for less still. */
function lowerThread(id: number): void {
  if (getPriority(id) < lowPriority) setPriority(id, lowPriority);
}

/** A thread may end after it was listed. */
function unlessEnded(set: () => void): void {
  try {
    set();
  } catch (error) {
    if (!(error instanceof Error && error.message.includes("ESRCH"))) throw error;
  }
}

function problems(what: string, lower: () => void): string[] {
  try {
    lower();
    return [];
  } catch (error) {
    return [
      `The priority for the ${what} could not be lowered: ${error instanceof Error ? error.message : String(error)}`,
    ];
  }
}
