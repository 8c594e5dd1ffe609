import { closeSync, writeSync } from "node:fs";
import type { EngineError } from "../../errors/engine-error.ts";
import { objectIdFromBytes } from "../../format/ids.ts";
import type { PackDraft } from "../../pack/pack-draft.ts";
import type { UnnamedFile } from "../../flow/unnamed-file.ts";
import { folderError } from "./file-errors.ts";
import type { Descriptor } from "./posix-library.ts";
import { nodePrimitives } from "./primitives.ts";
import { openUnnamedFile } from "./unnamed-file.ts";

/** Written and hashed together, from the processor's cache. */
const pieceBytes = 1024 * 1024;

/**
 * A pack that grows in an unnamed file in `folder`. Its next bytes lie in `room`, which many drafts may have after one another. Undefined where the
 * system or the file system has no such files.
 */
export function openFileDraft(folder: string, room: Uint8Array): PackDraft<UnnamedFile> | undefined {
  const descriptor = openUnnamedFile(folder);
  return descriptor === undefined ? undefined : draftIn(descriptor, room, `Storing a pack in ${folder}`);
}

function draftIn(descriptor: Descriptor, room: Uint8Array, action: string): PackDraft<UnnamedFile> {
  const hash = nodePrimitives.sha256Stream();
  let writtenBytes = 0;
  let waitingBytes = 0;
  let failure: EngineError | undefined;

  function write(): void {
    assertWhole();
    const piece = room.subarray(0, waitingBytes);
    waitingBytes = 0;
    hash.update(piece);
    try {
      for (let done = 0; done < piece.length;) done += writeSync(descriptor, piece, done, piece.length - done);
    } catch (error) {
      failure = folderError(error, action);
      assertWhole();
    }
    writtenBytes += piece.length;
  }

  /** What could not be written is missing for good: nothing may be made of the rest. */
  function assertWhole(): void {
    if (failure !== undefined) throw failure;
  }

  return {
    roomFor(lengthBytes) {
      if (waitingBytes + lengthBytes > room.length) write();
      if (lengthBytes > room.length) room = new Uint8Array(lengthBytes);
      return room.subarray(waitingBytes, waitingBytes + lengthBytes);
    },
    advance(lengthBytes) {
      waitingBytes += lengthBytes;
      if (waitingBytes >= pieceBytes) write();
    },
    finish() {
      write();
      return { id: objectIdFromBytes(hash.digest()), content: { descriptor, sizeBytes: writtenBytes } };
    },
    discard: () => closeSync(descriptor),
  };
}
