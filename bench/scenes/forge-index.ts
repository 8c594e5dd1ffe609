import { createHash } from "node:crypto";
import { inlineCompute, openRepository, systemClock } from "@saveos/engine";
import { folderStore, nodePrimitives } from "@saveos/engine/node";
import { encodeIndexRows } from "../../packages/engine/src/format/index-file.ts";
import { IndexRows } from "../../packages/engine/src/format/index-rows.ts";
import { parseBlobId } from "../../packages/engine/src/format/ids.ts";
import { saveUnpacked } from "../../packages/engine/src/repository/unpacked-files.ts";
import { breathe } from "../breathe.ts";

/** What restic puts into one index file (internal/repository/index, `indexMaxBlobs`). */
const blobsAnIndexFile = 50_000;
/** A pack of 16 MiB of small files. */
const blobsAPack = 250;
const blobBytes = Math.floor((16 * 1024 * 1024) / blobsAPack);

/**
 * Writes index files for `blobs` blobs into an empty repository, whose packs do not exist: enough for whatever has to load the index
 * and reads none of them.
 */
export async function forgeIndex(
  path: string,
  { password, blobs, signal }: { password: string; blobs: number; signal: AbortSignal },
): Promise<void> {
  const deps = { store: folderStore(path), compute: inlineCompute(nodePrimitives), clock: systemClock };
  const repository = await openRepository(deps, { password });
  for (let first = 0; first < blobs; first += blobsAnIndexFile) {
    await breathe(signal);
    const packCount = Math.ceil(Math.min(blobsAnIndexFile, blobs - first) / blobsAPack);
    const rows = new IndexRows(packCount, packCount * blobsAPack);
    for (let i = 0; i < packCount; i++) addForgedPack(rows, first / blobsAPack + i);
    await saveUnpacked(repository, "index", encodeIndexRows([rows]), { signal });
  }
}

function addForgedPack(rows: IndexRows, number: number): void {
  const blobs = Array.from({ length: blobsAPack }, (_, i) => ({
    // One tree for nine files, or so.
    type: i % 10 === 0 ? ("tree" as const) : ("data" as const),
    id: parseBlobId(forgedId(`blob ${number} ${i}`)),
    offset: i * blobBytes,
    length: blobBytes,
    uncompressedLength: 3 * blobBytes,
  }));
  rows.addPack(forgedId(`pack ${number}`), blobs);
}

function forgedId(what: string): string {
  return createHash("sha256").update(what).digest("hex");
}
