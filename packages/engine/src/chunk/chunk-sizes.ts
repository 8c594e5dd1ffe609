/** How large chunks are. */
export interface ChunkSizes {
  readonly minBytes: number;
  readonly maxBytes: number;
  /** A chunk may end where these low bits of the fingerprint are zero. */
  readonly splitMask: number;
}

/** restic's sizes: 512 KiB to 8 MiB, about 1.5 MiB on average. Other sizes would share no chunks with restic's. */
export const resticChunkSizes: ChunkSizes = {
  minBytes: 512 * 1024,
  maxBytes: 8 * 1024 * 1024,
  splitMask: (1 << 20) - 1,
};
