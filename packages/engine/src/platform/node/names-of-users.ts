import { groupNameOf, userNameOf } from "./posix-read.ts";

/** Looks up the names of users and groups by number; "" for those without one. */
export interface NamesOfUsers {
  user(uid: number): string;
  group(gid: number): string;
}

/** Asking may mean asking another machine. A name given in the last minute is new enough for a backup, whose files mostly share few owners. */
const keptMs = 60_000;

/** Asks the system, and remembers the answers for a minute. On Windows files have no such owners. */
export function namesOfUsers(): NamesOfUsers {
  if (process.platform === "win32") return { user: () => "", group: () => "" };
  return { user: remembered(userNameOf), group: remembered(groupNameOf) };
}

function remembered(ask: (id: number) => string | undefined): (id: number) => string {
  const names = new Map<number, { readonly name: string; readonly askedAtMs: number }>();
  return (id) => {
    const nowMs = performance.now();
    const known = names.get(id);
    if (known && nowMs - known.askedAtMs < keptMs) return known.name;
    const name = ask(id) ?? "";
    names.set(id, { name, askedAtMs: nowMs });
    return name;
  };
}
