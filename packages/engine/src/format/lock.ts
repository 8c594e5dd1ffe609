import { EngineError } from "../errors/engine-error.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonBytes, jsonObject, jsonString } from "./json-text.ts";
import { parseTime } from "./time.ts";

/** Who works on a repository, as the lock file says (restic design.rst, "Locks"). */
export interface Lock {
  /** When it was made or last refreshed; RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly exclusive: boolean;
  readonly hostname: string;
  readonly username: string;
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

export function encodeLock(lock: Lock): Uint8Array {
  const text = jsonObject({
    time: jsonString(lock.time),
    exclusive: lock.exclusive,
    hostname: jsonString(lock.hostname),
    username: jsonString(lock.username),
    pid: lock.pid,
    uid: lock.uid || undefined,
    gid: lock.gid || undefined,
  });
  return jsonBytes(text);
}

/** Throws `corrupt-data` unless the bytes are a lock with a time: staleness can't be judged without. */
export function decodeLock(bytes: Uint8Array): Lock {
  const reader = new JsonReader(bytes, "Lock");
  let time: string | undefined;
  let exclusive = false;
  let hostname = "";
  let username = "";
  let pid = 0;
  let uid = 0;
  let gid = 0;
  reader.object((key) => {
    if (key === "time") time = reader.string();
    else if (key === "exclusive") exclusive = reader.boolean();
    else if (key === "hostname") hostname = reader.string();
    else if (key === "username") username = reader.string();
    else if (key === "pid") pid = reader.safeInteger();
    else if (key === "uid") uid = reader.uint32();
    else if (key === "gid") gid = reader.uint32();
  });
  reader.end();
  if (time === undefined) throw new EngineError("corrupt-data", "Lock has no time");
  parseTime(time);
  return { time, exclusive, hostname, username, pid, uid, gid };
}
