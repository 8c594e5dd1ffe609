import { EngineError } from "../errors/engine-error.ts";
import { JsonReader } from "./json-reader.ts";
import { jsonBytes, jsonObject, jsonString } from "./json-text.ts";

/**
 * A password's way to the master key (restic design.rst, "Keys, Encryption and MAC"): scrypt of password and `salt` gives the key that
 * opens `data`. Stored as plain JSON, so everything but `data` can be read by whoever sees the file.
 */
export interface KeyFile {
  /** RFC 3339, for people only. */
  readonly created: string;
  readonly username: string;
  readonly hostname: string;
  /** As found: whoever runs scrypt with it must refuse costs that are absurd. */
  readonly cost: { readonly N: number; readonly r: number; readonly p: number };
  readonly salt: Uint8Array;
  /** The sealed master key. */
  readonly data: Uint8Array;
}

export function encodeKeyFile({ created, username, hostname, cost, salt, data }: KeyFile): Uint8Array {
  const text = jsonObject({
    created: jsonString(created),
    username: jsonString(username),
    hostname: jsonString(hostname),
    kdf: '"scrypt"',
    N: cost.N,
    r: cost.r,
    p: cost.p,
    salt: `"${salt.toBase64()}"`,
    data: `"${data.toBase64()}"`,
  });
  return jsonBytes(text);
}

/** Throws `corrupt-data` unless the bytes are a key file that can be tried, `unsupported` for another way than scrypt. */
export function decodeKeyFile(bytes: Uint8Array): KeyFile {
  const reader = new JsonReader(bytes, "Key file");
  let kdf = "";
  let created = "";
  let username = "";
  let hostname = "";
  const cost = { N: 0, r: 0, p: 0 };
  let salt: Uint8Array = new Uint8Array(0);
  let data: Uint8Array = new Uint8Array(0);
  reader.object((key) => {
    if (key === "created") created = reader.string();
    else if (key === "username") username = reader.string();
    else if (key === "hostname") hostname = reader.string();
    else if (key === "kdf") kdf = reader.string();
    else if (key === "N" || key === "r" || key === "p") cost[key] = reader.uint32();
    else if (key === "salt") salt = reader.base64();
    else if (key === "data") data = reader.base64();
  });
  reader.end();
  if (kdf !== "scrypt") throw new EngineError("unsupported", `Key file uses ${JSON.stringify(kdf)}, not scrypt`);
  if (salt.length === 0) throw new EngineError("corrupt-data", "Key file has no salt");
  if (data.length === 0) throw new EngineError("corrupt-data", "Key file has no sealed master key");
  return { created, username, hostname, cost, salt, data };
}
