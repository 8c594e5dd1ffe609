import { EngineError } from "../../errors/engine-error.ts";
import type { Abortable } from "../../flow/abortable.ts";
import type { ObjectId } from "../../format/ids.ts";
import type { Repository } from "../../repository/repository.ts";

/** What decides about everything else, as the store listed it. */
export interface DecisiveLists {
  readonly snapshots: ReadonlySet<ObjectId>;
  readonly index: ReadonlySet<ObjectId>;
}

export async function listDecisive({ store }: Repository, { signal }: Abortable): Promise<DecisiveLists> {
  const lists = { snapshots: new Set<ObjectId>(), index: new Set<ObjectId>() };
  for (const kind of ["snapshots", "index"] as const)
    for await (const { id } of store.list(kind, { signal })) lists[kind].add(id);
  return lists;
}

/** A listing that is not the same twice is none to delete by. Rejects with `aborted`. */
export async function requireSameLists(
  repository: Repository,
  before: DecisiveLists,
  kinds: readonly (keyof DecisiveLists)[],
  run: Abortable,
): Promise<void> {
  const now = await listDecisive(repository, run);
  for (const kind of kinds) {
    if (now[kind].size === before[kind].size && [...now[kind]].every((id) => before[kind].has(id))) continue;
    throw new EngineError(
      "aborted",
      `The list of ${kind === "index" ? "index files" : kind} changed while prune was running. Nothing that it named was removed`,
      {
        hint: "Another program works on the repository without minding the lock, or the store does not list reliably. Run it again when that is over.",
      },
    );
  }
}
