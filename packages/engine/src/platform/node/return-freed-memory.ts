import koffi from "koffi";

/**
 * Has the C library give memory of `largeBytes` and more back to the system as soon as it is freed. Glibc keeps it instead, once it has seen such
 * sizes, and a pack of 17 MB between two small leftovers stays for good: measured, 292 instead of 226 MB for a restore, and no faster. Other libraries
 * are left as they are.
 */
export function returnFreedMemory(largeBytes = 1024 * 1024): void {
  if (process.platform !== "linux") return;
  try {
    const mallopt = koffi.load(null).func("int mallopt(int, int)") as (parameter: number, value: number) => number;
    mallopt(mmapThreshold, largeBytes);
  } catch {
    // Not glibc: it has no such function.
  }
}

/** M_MMAP_THRESHOLD (mallopt(3)). Setting it also keeps glibc from moving it. */
const mmapThreshold = -3;
