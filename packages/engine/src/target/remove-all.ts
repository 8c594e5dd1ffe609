import type { Abortable } from "../flow/abortable.ts";
import type { FileTarget, TargetPath } from "./file-target.ts";

/**
 * Removes an entry, and what is in it if it is a directory, without following a link. Yields each path: first what is in a directory, then
 * the directory. With `dryRun` it only yields.
 */
export async function* removeAll(
  target: FileTarget,
  path: TargetPath,
  options: Abortable & { readonly dryRun: boolean },
): AsyncGenerator<TargetPath, void, undefined> {
  options.signal?.throwIfAborted();
  const entry = await target.stat(path);
  if (!entry) return;
  if (entry.type === "dir")
    for (const name of await target.list(path)) yield* removeAll(target, [...path, name], options);
  if (!options.dryRun) await target.remove(path);
  yield path;
}

/** Removes whatever is at a place where something else is to be; a directory with something in it only if deleting was asked for. */
export async function clearPlace(
  { target, signal, ...settings }: Abortable & { readonly target: FileTarget; readonly delete: boolean },
  path: TargetPath,
): Promise<void> {
  if (settings.delete) for await (const _ of removeAll(target, path, { signal, dryRun: false })) continue;
  else await target.remove(path);
}
