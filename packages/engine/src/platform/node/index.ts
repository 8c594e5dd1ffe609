/** The ports as Node does them: OpenSSL and zstd, the file system with its names as bytes, local folders and S3 as stores. */
export { openDiskCache } from "./disk-cache.ts";
export { folderStore } from "./folder-store.ts";
export { lowerProcessPriority } from "./low-priority.ts";
export { nodeCompute } from "./node-compute.ts";
export { nodeSource } from "./node-source.ts";
export { nodeTarget } from "./node-target.ts";
export { openStore } from "./open-store.ts";
export { nodePrimitives } from "./primitives.ts";
export { returnFreedMemory } from "./return-freed-memory.ts";
