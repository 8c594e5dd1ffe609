import koffi from "koffi";
import { calls, type Pointer, terminated } from "./posix-library.ts";

/** The number of a user by name; undefined if the system knows none. */
export function findUser(name: Uint8Array): number | undefined {
  return numberIn(calls().getpwnam(terminated(name)));
}

/** The number of a group by name; undefined if the system knows none. */
export function findGroup(name: Uint8Array): number | undefined {
  return numberIn(calls().getgrnam(terminated(name)));
}

/** Both `struct passwd` and `struct group` begin with two pointers and then the number. */
function numberIn(entry: Pointer | null): number | undefined {
  const numberAt = 16;
  return entry === null ? undefined : new DataView(koffi.view(entry, numberAt + 4)).getUint32(numberAt, true);
}
