import { z } from "zod";

/** Work that the server does by itself, some time after it was asked for, in whichever process has room. Its data is checked when it comes back from the database. */
export interface Task<Data extends object> {
  readonly name: string;
  readonly data: z.ZodType<Data>;
  /** A task that nobody asks for but the clock: cron, in UTC. */
  readonly cron?: string;
}

export function defineTask<Data extends object>(task: Task<Data>): Task<Data> {
  return task;
}

/** Work that goes by the clock needs no data. */
export const noData = z.object({});
