import type { Kysely } from "kysely";
import type { Database } from "../database/schema.ts";
import type { Queue } from "../queue/queue.ts";
import type { Task } from "../queue/tasks.ts";

/** A queue that does nothing but remember what was put into it: tests do the tasks themselves, at the time they choose. */
export class RememberingQueue implements Pick<Queue, "enqueue"> {
  readonly entries: { readonly task: string; readonly data: object; readonly at: Date | undefined }[] = [];

  async enqueue<Data extends object>(
    _transaction: Kysely<Database>,
    task: Task<Data>,
    entries: readonly { readonly data: Data; readonly at?: Date | undefined }[],
  ): Promise<void> {
    for (const { data, at } of entries) this.entries.push({ task: task.name, data, at });
  }

  /** Takes out the tasks of a kind whose time has come, and gives what they are about. */
  take<Data extends object>(task: Task<Data>, now: Date): Data[] {
    const due = this.entries.filter((entry) => entry.task === task.name && (entry.at === undefined || entry.at <= now));
    for (const entry of due) this.entries.splice(this.entries.indexOf(entry), 1);
    return due.map(({ data }) => task.data.parse(data));
  }
}
