import { closeSync, readSync } from "node:fs";
import type { FileReader } from "../../source/file-reader.ts";
import { openRegularFile, statOfOpened } from "./open-regular-file.ts";
import { readingSource } from "./source-errors.ts";

/** Files of this machine. */
export const nodeFileReader: FileReader = {
  open(path) {
    const { descriptor: file, size } = openRegularFile(path);
    return {
      read(into, offset) {
        let filled = 0;
        while (filled < into.length) {
          const part = { offset: filled, length: into.length - filled, position: offset + filled };
          const length = readingSource(path, () => readSync(file, into, part));
          if (length === 0) break;
          filled += length;
          // All that it had when it was opened: most files are read by one call. Of a file that says 0 and has more, as in /proc, every call is needed.
          if (offset + filled === size) break;
        }
        return filled;
      },
      state: () => statOfOpened(path, file),
      [Symbol.dispose]: () => closeSync(file),
    };
  },
};
