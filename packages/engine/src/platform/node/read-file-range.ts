import { type FileHandle, constants, open } from "node:fs/promises";
import { EngineError } from "../../errors/engine-error.ts";
import { rangeLength, tooShort } from "../../store/byte-range.ts";
import { objectMaxBytes } from "../../store/collect-bytes.ts";
import type { ByteRange } from "../../store/object-store.ts";
import type { Paced } from "../../store/pace.ts";

/** A pipe in the place of an object would block an ordinary open for ever. Not defined on Windows. */
const openFlags = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads `range` of a regular file, all of it without one. Rejects with `corrupt-data` if the file ends before, or is no file; otherwise with the
 * system's errors.
 */
export async function readFileRange(
  path: string,
  range: ByteRange | undefined,
  label: string,
  paced: Paced = {},
): Promise<Uint8Array> {
  const file = await open(path, openFlags);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new EngineError("corrupt-data", `${label} is not a file`);
    const wanted = range ?? { start: 0, end: found.size };
    if (wanted.end > found.size) throw tooShort(label, wanted, found.size);
    const lengthBytes = rangeLength(wanted);
    if (lengthBytes > objectMaxBytes) {
      throw new EngineError("corrupt-data", `${label}: ${lengthBytes} bytes are more than any object may have`);
    }
    const bytes = new Uint8Array(lengthBytes);
    await fill(bytes, file, wanted.start, label, paced);
    return bytes;
  } finally {
    await file.close();
  }
}

async function fill(
  bytes: Uint8Array,
  file: FileHandle,
  start: number,
  label: string,
  { pace, signal }: Paced,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const left = bytes.length - done;
    const allowed = pace === undefined ? left : await pace(left, { signal });
    const { bytesRead } = await file.read(bytes, done, allowed, start + done);
    // It shrank since it was looked at.
    if (bytesRead === 0) throw tooShort(label, { start, end: start + bytes.length }, start + done);
    done += bytesRead;
  }
}
