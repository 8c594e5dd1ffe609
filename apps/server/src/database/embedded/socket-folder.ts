import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { RunAs } from "./run-as.ts";

/** The folder of PostgreSQL's socket: whoever may enter it may use the database. */
export interface SocketFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** The longest path of a socket that both Linux (107 bytes) and macOS (103) take. */
const socketPathMaxBytes = 103;

/** A folder that only the one who runs PostgreSQL can enter: in `folder`, or among the system's temporary ones where that path is too long. */
export async function chooseSocketFolder(folder: string, runAs: RunAs): Promise<SocketFolder> {
  const inside = join(resolve(folder), "run");
  const isShort = Buffer.byteLength(join(inside, ".s.PGSQL.5432")) <= socketPathMaxBytes;
  if (isShort) await mkdir(inside, { recursive: true, mode: 0o700 });
  const path = isShort ? inside : await mkdtemp(join(tmpdir(), "saveos-"));
  await runAs.own(path);
  return { path, remove: async () => await rm(path, { recursive: true, force: true }) };
}
