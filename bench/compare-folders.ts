import { closeSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { BenchError } from "./bench-error.ts";
import { breathe } from "./breathe.ts";

/** Files are compared, and read ahead, in pieces of this size. */
const pieceBytes = 1024 * 1024;

/**
 * Throws `BenchError` naming the first difference unless both folders hold the same: names, types, modes, times of modification to the
 * nanosecond, and every byte. Reads with Node alone, with nothing of the engine.
 */
export async function compareFolders(expected: string, actual: string, signal: AbortSignal): Promise<void> {
  const pieces = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)] as const;
  await compareFolder("");

  async function compareFolder(below: string): Promise<void> {
    await breathe(signal);
    compareMetadata(below);
    const names = readdirSync(join(expected, below)).toSorted();
    const found = readdirSync(join(actual, below)).toSorted();
    if (names.join("\0") !== found.join("\0"))
      throw different(below, `holds ${found.length} entries, not the ${names.length} that it should`);
    for (const name of names) {
      const path = join(below, name);
      if (lstatSync(join(expected, path)).isDirectory()) await compareFolder(path);
      else await compareFile(path);
    }
  }

  async function compareFile(path: string): Promise<void> {
    const sizeBytes = compareMetadata(path);
    const files = [openSync(join(expected, path), "r"), openSync(join(actual, path), "r")] as const;
    try {
      for (let at = 0; at < sizeBytes; at += pieceBytes) {
        if (at > 0) await breathe(signal);
        const [one, other] = [readPiece(files[0], pieces[0], at), readPiece(files[1], pieces[1], at)];
        if (!one.equals(other)) throw different(path, `differs after byte ${at}`);
      }
    } finally {
      for (const file of files) closeSync(file);
    }
  }

  function compareMetadata(path: string): bigint {
    const [one, other] = [expected, actual].map((root) =>
      lstatSync(join(root, path), { bigint: true, throwIfNoEntry: false }),
    );
    if (one === undefined || other === undefined) throw different(path, "is not there");
    if (one.mode !== other.mode)
      throw different(path, `has mode ${other.mode.toString(8)}, not ${one.mode.toString(8)}`);
    if (one.mtimeNs !== other.mtimeNs) throw different(path, `has mtime ${other.mtimeNs} ns, not ${one.mtimeNs} ns`);
    if (!one.isDirectory() && one.size !== other.size)
      throw different(path, `has ${other.size} bytes, not ${one.size}`);
    return one.isDirectory() ? 0n : one.size;
  }

  function different(path: string, how: string): BenchError {
    return new BenchError(`Restored wrongly: ${join(actual, path)} ${how}`);
  }
}

function readPiece(file: number, piece: Buffer, at: number): Buffer {
  return piece.subarray(0, readSync(file, piece, 0, piece.length, at));
}

/**
 * Reads every file once, so that the page cache is equally warm for whoever comes first: what was written since has pushed a part of it out.
 */
export async function readAll(folder: string, signal: AbortSignal): Promise<void> {
  await breathe(signal);
  const piece = Buffer.allocUnsafe(pieceBytes);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await readAll(path, signal);
    if (!entry.isFile()) continue;
    const file = openSync(path, "r");
    try {
      while (readSync(file, piece) === pieceBytes) await breathe(signal);
    } finally {
      closeSync(file);
    }
  }
}
