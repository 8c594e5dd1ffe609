import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { breathe } from "../breathe.ts";
import { filesBelow } from "../files-below.ts";
import { markComplete, type PreparedCorpus } from "./prepare.ts";
import { incompressible } from "./seeded.ts";
import { sourceText } from "./text.ts";

const mib = 1024 * 1024;

/** The largest piece that is changed in a big file at once, as a page of a database or a message in a mailbox would be or larger. */
const placeBytes = mib;

/** Larger than any file of a corpus of many files. */
const rewrittenTextBytes = 5 * mib;

/**
 * Changes one part in a hundred of a corpus, others in each round: of many files, every hundredth is rewritten with new text of the same
 * length; of big files, places spread over each. Leaving the scope puts everything back, so that each round backs up the same data.
 */
export async function changeOnePercent(
  place: PreparedCorpus,
  round: number,
  signal: AbortSignal,
): Promise<AsyncDisposable> {
  // Whatever happens until all is back, nobody must take the folder for the corpus.
  rmSync(place.markerFile, { force: true });
  const undo: (() => void)[] = [];
  const putBack = async () => {
    for (const step of undo.splice(0)) step();
    await markComplete(place);
  };
  try {
    const change = place.corpus.changes === "files" ? rewriteFiles : rewritePlaces;
    for (const step of change(place.path, round)) {
      undo.push(step);
      await breathe(signal);
    }
  } catch (error) {
    await putBack();
    throw error;
  }
  return { [Symbol.asyncDispose]: putBack };
}

/** Yields what puts each back. */
function* rewriteFiles(folder: string, round: number): Generator<() => void> {
  const text = sourceText(1000 + round, rewrittenTextBytes);
  let number = 0;
  for (const name of filesBelow(folder)) {
    if (number++ % 100 !== round % 100) continue;
    const path = join(folder, name);
    const before = readFileSync(path);
    const start = (number * 4099) % (text.length - before.length);
    yield () => writeFileSync(path, before);
    writeFileSync(path, text.subarray(start, start + before.length));
  }
}

function* rewritePlaces(folder: string, round: number): Generator<() => void> {
  for (const name of filesBelow(folder)) {
    const path = join(folder, name);
    const { size } = statSync(path);
    const changedBytes = Math.floor(size / 100);
    const places = Math.ceil(changedBytes / placeBytes);
    const noise = incompressible(`${name} ${round}`, changedBytes, Math.ceil(changedBytes / places));
    for (let number = 0; number < places; number++) {
      const bytes = noise.next().value;
      if (bytes === undefined) break;
      const at = Math.floor(((number + ((round % 7) + 1) / 9) * size) / places);
      const before = readAt(path, at, bytes.length);
      yield () => writeAt(path, at, before);
      writeAt(path, at, bytes);
    }
  }
}

function readAt(path: string, at: number, lengthBytes: number): Uint8Array {
  const file = openSync(path, "r");
  try {
    const bytes = new Uint8Array(lengthBytes);
    return bytes.subarray(0, readSync(file, bytes, 0, lengthBytes, at));
  } finally {
    closeSync(file);
  }
}

function writeAt(path: string, at: number, bytes: Uint8Array): void {
  const file = openSync(path, "r+");
  try {
    writeSync(file, bytes, 0, bytes.length, at);
  } finally {
    closeSync(file);
  }
}
