/** A blob as it goes into a pack. */
export interface SealedBlob {
  /** IV ‖ ciphertext ‖ MAC. */
  readonly sealed: Uint8Array;
  /** 0 means stored as it is, not compressed (restic design.rst, "Pack Format"). */
  readonly uncompressedLength: number;
}
