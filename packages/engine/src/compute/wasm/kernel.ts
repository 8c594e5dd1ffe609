/** The first page of a kernel's memory is its own; the caller's data lies behind. */
export const kernelBytes = 64 * 1024;
const pageBytes = 64 * 1024;

export interface Kernel<Exports> {
  readonly exports: Exports;
  /** All of its memory: `kernelBytes` and the caller's data. It doesn't grow. */
  readonly memory: Uint8Array<ArrayBuffer>;
}

/** An address that a kernel exports. */
export interface KernelAddress {
  readonly value: number;
}

/** What is used of WebAssembly. Node's own types lack it, and the portable core must not ask for the DOM's. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly CompileError: new () => Error;
}

/** Compiling takes the time of thousands of calls, so each module is compiled once in a thread. */
const compiled = new Map<string, object>();

/**
 * A new instance of a kernel with room for `dataBytes`, or undefined where the platform has no WebAssembly, or not all that the module needs of it.
 * `Exports` is what its source in `packages/engine/kernels` exports.
 */
export function instantiateKernel<Exports>(base64: string, dataBytes: number): Kernel<Exports> | undefined {
  const wasm = (globalThis as { readonly WebAssembly?: WebAssemblyApi }).WebAssembly;
  if (wasm === undefined) return undefined;
  const pages = Math.ceil((kernelBytes + dataBytes) / pageBytes);
  try {
    const module = compiled.get(base64) ?? new wasm.Module(Uint8Array.fromBase64(base64));
    compiled.set(base64, module);
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    const { exports } = new wasm.Instance(module, { env: { memory } });
    return { exports: exports as Exports, memory: new Uint8Array(memory.buffer) };
  } catch (error) {
    // No vector instructions, a content security policy that forbids compiling, no address space left: slower ways will do.
    if (error instanceof wasm.CompileError || error instanceof RangeError) return undefined;
    throw error;
  }
}
