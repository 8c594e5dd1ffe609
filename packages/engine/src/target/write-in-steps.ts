import type { EntryMetadata, FileTarget, MetadataOptions, TargetPath } from "./file-target.ts";

/** `FileTarget.writeNewFile` for a target that knows no shorter way. */
export async function writeInSteps(
  target: Pick<FileTarget, "createFile">,
  path: TargetPath,
  bytes: Uint8Array,
  metadata: EntryMetadata | undefined,
  options: MetadataOptions,
): Promise<void> {
  await using file = await target.createFile(path);
  if (bytes.length > 0) await file.write(0, bytes);
  if (metadata) await file.setMetadata(metadata, options);
}
