import { nameOf } from "../../gateway/index.ts";
import type { ClaimedObject } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import { readStored } from "./read-stored.ts";

/** Small objects that are read to find out: one may be damaged itself. */
const witnessesMax = 5;

/** Whether any object of the repository but this one can be read and is right. */
export async function isRepositoryAlive(
  { database, objects, onRead }: ReadingDeps,
  { repositoryId, object }: Pick<ClaimedObject, "repositoryId" | "object">,
): Promise<boolean> {
  const witnesses = await database
    .selectFrom("objects")
    .select(["kind", "name", "sha256"])
    .where("repository_id", "=", repositoryId)
    .where("kind", "in", ["config", "keys", "snapshots"])
    .where((row) => row.not(row.and({ kind: object.kind, name: object.name })))
    .where("deleting_since", "is", null)
    .where("missing_since", "is", null)
    .where("damaged_since", "is", null)
    .orderBy("kind")
    .orderBy("name")
    .limit(witnessesMax)
    .execute();
  for (const { kind, name, sha256 } of witnesses) {
    const reading = await readStored(objects, repositoryId, nameOf(kind, name), onRead);
    if (reading.outcome !== "read") continue;
    const wanted = kind === "config" ? sha256 : name;
    if (wanted === null || wanted === reading.sha256) return true;
  }
  return false;
}
