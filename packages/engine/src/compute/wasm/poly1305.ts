import { invariant } from "../../errors/invariant.ts";
import { instantiateKernel, type KernelAddress, kernelBytes } from "./kernel.ts";
import { poly1305Kernel } from "./poly1305-kernel.ts";

interface Poly1305Exports {
  readonly key: KernelAddress;
  readonly tag: KernelAddress;
  start(): void;
  blocks(at: number, count: number): void;
  finish(at: number, lengthBytes: number): void;
}

const keyBytes = 32;
const tagBytes = 16;
const blockBytes = 16;
/** Messages are copied in pieces of this size, which is still in the processor's nearest caches when it is read again. */
const pieceBytes = 32 * 1024;

/**
 * Poly1305 (RFC 8439, section 2.5) in WebAssembly: gives a function that makes the 16-byte tag of `message` under the one-time key r ‖ s, or undefined
 * where the platform refuses. Two to four times as fast as `crypto/poly1305.ts`. Memory: 128 KiB.
 */
export function wasmPoly1305(): ((key: Uint8Array, message: Uint8Array) => Uint8Array) | undefined {
  const kernel = instantiateKernel<Poly1305Exports>(poly1305Kernel, pieceBytes);
  if (!kernel) return undefined;
  const { exports, memory } = kernel;
  const keyAt = exports.key.value;
  const tagAt = exports.tag.value;
  return (key, message) => {
    invariant(key.length === keyBytes, "a Poly1305 key is 32 bytes");
    memory.set(key, keyAt);
    exports.start();
    let restBytes = 0;
    for (let at = 0; at < message.length; at += pieceBytes) {
      const piece = message.subarray(at, at + pieceBytes);
      memory.set(piece, kernelBytes);
      restBytes = piece.length % blockBytes;
      exports.blocks(kernelBytes, (piece.length - restBytes) / blockBytes);
      if (restBytes > 0)
        memory.copyWithin(kernelBytes, kernelBytes + piece.length - restBytes, kernelBytes + piece.length);
    }
    exports.finish(kernelBytes, restBytes);
    return memory.slice(tagAt, tagAt + tagBytes);
  };
}
