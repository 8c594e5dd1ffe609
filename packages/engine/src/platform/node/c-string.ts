import koffi from "koffi";
import { encodeName } from "../../format/names.ts";
import { SystemCallError, terminated } from "./posix-library.ts";

/** No name or path that a system call takes is longer (PATH_MAX of Linux, with the NUL); nearly all attributes are shorter too. */
const roomBytes = 4096;

/** Two by turns: some calls take two names. */
const rooms = [new Uint8Array(roomBytes), new Uint8Array(roomBytes)] as const;
const encoder = new TextEncoder();
let turn: 0 | 1 = 0;

/**
 * An escaped string (`format/names.ts`) as C wants it: its bytes with a NUL after them, in memory that is used again by the call after the next. An
 * array of its own for each name cost a tenth of a restore's work, most of it for the garbage collector. One within them would cut the name to
 * another one: throws `EINVAL`.
 */
export function cString(text: string): Uint8Array {
  turn = turn === 0 ? 1 : 0;
  const room = rooms[turn];
  if (text.length >= roomBytes || !text.isWellFormed()) return terminated(encodeName(text));
  const { read, written } = encoder.encodeInto(text, room);
  if (read < text.length || written === roomBytes) return terminated(encodeName(text));
  if (text.includes("\0")) throw new SystemCallError("a name with a NUL byte", koffi.os.errno["EINVAL"] ?? 0);
  room[written] = 0;
  return room;
}
