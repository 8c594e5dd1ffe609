import { folderStorage } from "./folder-storage.ts";
import type { ObjectStorage } from "./object-storage.ts";
import type { S3StorageConfig } from "./s3-storage.ts";

export type { DeletableName } from "./object-name.ts";
export type { ObjectStorage } from "./object-storage.ts";

/** Where the server keeps objects, as its settings say. */
export type ObjectStorageConfig =
  | { readonly kind: "folder"; readonly path: string }
  | ({ readonly kind: "s3" } & S3StorageConfig);

/** Opens the storage. A folder is made if it is missing; a bucket must be there (`health()` tells). */
export async function openObjectStorage(config: ObjectStorageConfig): Promise<ObjectStorage> {
  if (config.kind === "folder") return await folderStorage(config.path);
  // Loaded only where it is used: the SDK takes longer to load than the rest of the server.
  const { s3Storage } = await import("./s3-storage.ts");
  return s3Storage(config);
}
