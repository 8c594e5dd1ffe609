import { EngineError } from "../errors/engine-error.ts";
import type { ObjectId } from "../format/ids.ts";
import { idFromFileName } from "./layout.ts";

/** One line of a listing; a server of protocol version 1 gives no sizes. */
export interface ListedObject {
  readonly id: ObjectId;
  readonly sizeBytes: number | undefined;
}

/** A listing has about 95 bytes an object: this is three million of them, 45 TB in packs. A hostile server must not fill our memory. */
export const listMaxBytes = 256 * 1024 * 1024;

/**
 * Reads a listing of either version, told apart by what its items are: a proxy may have changed the content type, which is how restic
 * does it (restic REST_backend.rst, "GET {path}/{type}/"). Names that are not ids are left out. Throws `corrupt-data` for anything else.
 */
export function parseRestList(bytes: Uint8Array, listLabel: string): ListedObject[] {
  const items = parseJson(bytes, listLabel);
  // Some servers write an empty list so.
  if (items === null) return [];
  if (!Array.isArray(items)) throw notAList(listLabel);
  return items.flatMap((item: unknown) => parseItem(item, listLabel) ?? []);
}

function parseItem(item: unknown, listLabel: string): ListedObject | undefined {
  if (typeof item === "string") return listed(item, undefined);
  if (typeof item !== "object" || item === null || !("name" in item) || !("size" in item)) throw notAList(listLabel);
  const { name, size } = item;
  if (typeof name !== "string" || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw notAList(listLabel);
  }
  return listed(name, size);
}

function listed(name: string, sizeBytes: number | undefined): ListedObject | undefined {
  const id = idFromFileName(name);
  return id === undefined ? undefined : { id, sizeBytes };
}

function parseJson(bytes: Uint8Array, listLabel: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw notAList(listLabel, cause);
  }
}

function notAList(listLabel: string, cause?: unknown): EngineError {
  return new EngineError("corrupt-data", `${listLabel}: the server's answer is not a listing`, {
    cause,
    hint: "Is this the address of a restic REST server?",
  });
}
