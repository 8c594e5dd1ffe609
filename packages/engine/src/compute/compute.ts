import type { Primitives } from "../crypto/primitives.ts";
import type { OpenFileDraft } from "../pack/pack-draft.ts";
import type { Lane } from "./lane.ts";

/** Where the heavy steps run: in this thread or in workers. */
export interface Compute {
  /** What reads and packs files by itself. None where files can't be reached but through a `FileSource`. */
  readonly lanes: readonly Lane[];
  /** The same algorithms in this thread, for what is small. */
  readonly primitives: Primitives;
  /** For packs that this thread makes. Left out where there are no files. */
  readonly openFileDraft?: OpenFileDraft | undefined;
}
