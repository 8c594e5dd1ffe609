import os from "node:os";

/** Who backs up, as a snapshot and a lock record it. */
export interface MachineFacts {
  readonly hostname: string;
  readonly username: string;
  readonly uid: number;
  readonly gid: number;
}

/** What this machine says about itself. User ids are 0 where the platform has none. */
export function machineFacts(): MachineFacts {
  return {
    hostname: os.hostname(),
    username: userName(),
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
  };
}

/** A container may run under a user id that has no name. */
function userName(): string {
  try {
    return os.userInfo().username;
  } catch {
    return "";
  }
}

const contractPlatforms = { linux: "linux", win32: "windows", darwin: "macos" } as const;

/** The platform's name in the contract; undefined for one that SaveOS does not know. */
export function contractPlatform(platform: NodeJS.Platform): "linux" | "windows" | "macos" | undefined {
  return platform === "linux" || platform === "win32" || platform === "darwin"
    ? contractPlatforms[platform]
    : undefined;
}

/** Tells whether no process has this id any more. A process of another user, which can't be asked, is there. */
export function isProcessGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ESRCH";
  }
}
