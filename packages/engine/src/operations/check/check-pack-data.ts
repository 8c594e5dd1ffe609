import type { IndexedPack } from "../../blob-index/blob-index.ts";
import { isEngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import { mapConcurrent } from "../../flow/map-concurrent.ts";
import type { BlobLocation, PackedBlob } from "../../format/blob.ts";
import { shortId } from "../../format/ids.ts";
import { objectName } from "../../format/object-name.ts";
import { readPackHeader } from "../../pack/read-pack.ts";
import { openLocated } from "../../repository/load-blob.ts";
import type { Repository } from "../../repository/repository.ts";
import { type CheckLanes, checkLanes } from "./check-lanes.ts";
import type { CheckRequest } from "./check-request.ts";
import type { CheckReport } from "./check-report.ts";

/** Without lanes: while one pack is read, another is looked at. */
const packsAtOnce = 2;

/**
 * Reads whole packs and verifies their name, header and every blob, in lanes where there are some: in memory is one pack a lane, and one more, unless
 * lanes read them by themselves. A pack that looks damaged is read once more, in this thread, before it is reported.
 */
export async function checkPackData(
  repository: Repository,
  packs: readonly IndexedPack[],
  run: Abortable & Pick<CheckRequest, "onProgress">,
  report: CheckReport,
): Promise<void> {
  const bytesTotal = packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  let done = 0;
  let bytesDone = 0;
  await using lanes = await checkLanes(repository);
  const problemsOf = async (pack: IndexedPack) => ({
    pack,
    problems: await findProblems(repository, lanes, pack, run),
  });
  const atOnce = lanes ? lanes.count + 1 : packsAtOnce;
  for await (const { pack, problems } of mapConcurrent(packs, atOnce, problemsOf)) {
    for (const problem of problems) report.brokenPack(pack.pack, problem);
    done += 1;
    bytesDone += pack.sizeBytes;
    run.onProgress?.({ step: "data", done, total: packs.length, bytesDone, bytesTotal });
  }
}

async function findProblems(
  repository: Repository,
  lanes: CheckLanes | undefined,
  pack: IndexedPack,
  options: Abortable,
): Promise<string[]> {
  const looksSound = lanes
    ? await lanes.isSound(pack, options)
    : (await readAndVerify(repository, pack, options)).length === 0;
  return looksSound ? [] : await readAndVerify(repository, pack, options);
}

async function readAndVerify(
  repository: Repository,
  { pack, blobs }: IndexedPack,
  options: Abortable,
): Promise<string[]> {
  const { store, compute } = repository;
  let bytes: Uint8Array;
  try {
    bytes = await store.get(objectName("data", pack), options);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data", "not-found")) throw error;
    return [`the pack can't be read: ${error.message}`];
  }
  const problems: string[] = [];
  const hash = compute.primitives.sha256(bytes).toHex();
  if (hash !== pack) problems.push(`the pack's content has the hash ${hash.slice(0, 8)}…, not its name`);
  problems.push(...headerProblems(repository, bytes, blobs));
  for (const blob of blobs) {
    const problem = await blobProblem(repository, { ...blob, pack }, bytes);
    if (problem) problems.push(problem);
  }
  return problems;
}

function headerProblems(repository: Repository, bytes: Uint8Array, indexed: readonly PackedBlob[]): string[] {
  let header: PackedBlob[];
  try {
    const { compute, masterKey, config } = repository;
    header = readPackHeader(compute.primitives, masterKey, bytes, bytes.length, config.version);
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    return [`the pack's header is damaged: ${error.message}`];
  }
  const inIndex = new Set(indexed.map(entryText));
  const strangers = header.filter((blob) => !inIndex.has(entryText(blob)));
  return strangers.map(
    (blob) => `the header names the blob ${shortId(blob.id)} at offset ${blob.offset}, the index does not`,
  );
}

function entryText({ type, id, offset, length, uncompressedLength }: PackedBlob): string {
  return `${type} ${id} ${offset} ${length} ${uncompressedLength}`;
}

async function blobProblem(
  repository: Repository,
  location: BlobLocation,
  bytes: Uint8Array,
): Promise<string | undefined> {
  const { id, offset, length } = location;
  if (offset + length > bytes.length) return `the blob ${shortId(id)} at offset ${offset} lies behind the pack's end`;
  try {
    await openLocated(repository, location, bytes.subarray(offset, offset + length));
    return undefined;
  } catch (error) {
    if (!isEngineError(error, "corrupt-data")) throw error;
    return error.message;
  }
}
