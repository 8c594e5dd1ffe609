/**
 * Gives the memory of a chunk back to the system at once; the chunk is empty afterwards. Chunks of a request are many and short-lived, and
 * their bytes lie outside of the heap: left to the garbage collector they make it look through the whole heap for every 64 MiB received,
 * which was a third of an upload's CPU time in the server (3.7 s a gigabyte, 2.5 without), and 40 MB.
 */
export function freeMemory(chunk: Uint8Array): void {
  const { buffer } = chunk;
  // What shares its buffer with something else is left to the collector.
  if (buffer instanceof ArrayBuffer && chunk.byteLength === buffer.byteLength) buffer.transfer(0);
}
