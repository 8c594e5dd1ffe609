import type { EntryTable } from "../../format/entry-table.ts";
import { addEntry, addUnknownEntry } from "../../format/entry-words.ts";
import type { EntriesOptions } from "../../source/file-source.ts";
import type { EventLoopBreather } from "./event-loop-breather.ts";
import { isMissing } from "./file-errors.ts";
import { listDirectory } from "./list-directory.ts";
import type { NamesOfUsers } from "./names-of-users.ts";
import { factsOf } from "./node-facts.ts";
import { nodeStat } from "./node-stat.ts";

/** Any platform: lists a directory and looks at each entry in it, by Node's own calls. Throws what they throw. */
export async function statEntries(
  path: string,
  entries: EntryTable,
  breather: EventLoopBreather,
  users: NamesOfUsers,
  { withAtime, wants }: EntriesOptions,
): Promise<void> {
  const names = await listDirectory(path, breather);
  entries.clear();
  const folder = path.endsWith("/") ? path : `${path}/`;
  for (const name of names) {
    if (wants && !wants(name)) continue;
    await breather.pauseIfDue();
    try {
      addEntry(entries, name, factsOf(nodeStat(folder + name), users, withAtime));
    } catch (error) {
      if (!isMissing(error)) addUnknownEntry(entries, name);
    }
  }
}
