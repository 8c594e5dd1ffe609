/** The same bytes in memory that holds nothing else, and so can be handed over to a thread: a part of some memory, which others may use, is copied. */
export function wholeBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  return buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length ? new Uint8Array(buffer) : bytes.slice();
}
