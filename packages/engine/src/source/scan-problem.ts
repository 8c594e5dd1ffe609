/** Something that could not be read and is left out, though nobody asked for that. */
export interface ScanProblem {
  /** Where it is in the source; an escaped string (`format/names.ts`). */
  readonly path: string;
  readonly message: string;
  readonly cause?: unknown;
}
