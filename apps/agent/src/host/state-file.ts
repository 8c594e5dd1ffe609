import { readFile, rename } from "node:fs/promises";
import { systemErrorCode } from "../errors/system-error.ts";
import { replaceFile } from "./durable-file.ts";

/**
 * A small document that must survive restarts: read once, replaced whole and durably at each change. `parse` returns undefined for what it
 * does not understand; such a file is set aside as `….broken`, because going on without is better than never starting again.
 */
export async function readStateFile<State>(
  file: string,
  parse: (value: unknown) => State | undefined,
): Promise<State | undefined> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const state = parse(jsonOrUndefined(text));
  if (state === undefined) await rename(file, `${file}.broken`);
  return state;
}

export async function writeStateFile(file: string, state: unknown): Promise<void> {
  await replaceFile(file, `${JSON.stringify(state)}\n`);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
