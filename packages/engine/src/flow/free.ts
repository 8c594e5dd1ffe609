/** Gives the memory of an array back at once: the garbage collector takes its time, and a hundred megabytes may be waiting for it. */
export function free(array: Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>): void {
  array.buffer.transfer(0);
}
