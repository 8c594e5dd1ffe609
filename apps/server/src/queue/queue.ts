import { type Kysely, sql } from "kysely";
import { type ConstructorOptions, fromKysely, PgBoss } from "pg-boss";
import { connectionConfig, type DatabaseAddress, type Role } from "../database/client.ts";
import type { Database } from "../database/schema.ts";
import { errorText } from "../server-error.ts";
import type { Task } from "./tasks.ts";

/** Tasks wait in the database (pg-boss), so none is lost with a process, and any process may do them. */
export interface Queue extends AsyncDisposable {
  /**
   * Puts tasks into the queue as part of a transaction: they are there if it is committed, and not if it isn't. Each at its own time, or as soon as
   * possible.
   */
  enqueue<Data extends object>(
    transaction: Kysely<Database>,
    task: Task<Data>,
    entries: readonly { readonly data: Data; readonly at?: Date | undefined }[],
  ): Promise<void>;
  /** Does tasks of one kind from now on, as they come due. One that fails is tried again, some times and ever later. */
  work<Data extends object>(task: Task<Data>, handler: (entries: readonly Data[]) => Promise<unknown>): Promise<void>;
  /** How many tasks of each kind are due and wait, are being done, and have failed for good. */
  counts(): Promise<readonly TaskCounts[]>;
}

export interface TaskCounts {
  readonly task: string;
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
}

const schema = "pgboss";

/** New tasks are heard of at once. Those whose time comes later are looked for this often. */
const pollingSeconds = 1;
/** Taken at once by one process. Runs that are due at one moment come by the thousand. */
const batchSize = 200;
/** Beside the requests' own connections. */
const connectionsMax = 4;
/** What was taken and never ended is looked for this often. */
const superviseSeconds = 10;
/** A stop gives tasks that are being done this long. What isn't done by then is done again by another process. */
const stopTimeoutMs = 10_000;

const taskOptions = {
  retryLimit: 10,
  retryDelay: 2,
  retryBackoff: true,
  retryDelayMax: 300,
  /** A process that was killed with a task in its hand: another one takes it up after this. */
  expireInSeconds: 60,
  /** A server that was away for so long still does what came due meanwhile. */
  retentionSeconds: 400 * 24 * 3600,
  deleteAfterSeconds: 3600,
  notify: true,
};

interface Options {
  readonly address: DatabaseAddress;
  readonly database: Kysely<Database>;
  readonly log: { error(details: object, message: string): void };
  /** Whether this process looks after the queue and its clock. */
  readonly supervises: boolean;
}

/** Makes the queue's tables and queues, as the owner of the database, and lets the server use them. */
export async function prepareQueue(
  address: DatabaseAddress,
  owner: Kysely<Database>,
  tasks: readonly Task<never>[],
): Promise<void> {
  const boss = new PgBoss({ ...connectionOf(address), schema, max: 1, supervise: false, schedule: false });
  boss.on("error", () => {});
  await boss.start();
  try {
    const there = new Set((await boss.getQueues()).map(({ name }) => name));
    for (const { name } of tasks) {
      if (there.has(name)) await boss.updateQueue(name, taskOptions);
      else await boss.createQueue(name, taskOptions);
    }
  } finally {
    await boss.stop({ close: true, graceful: false });
  }
  const id = sql.id(schema);
  await sql`grant usage on schema ${id} to saveos_app`.execute(owner);
  await sql`grant select, insert, update, delete on all tables in schema ${id} to saveos_app`.execute(owner);
  await sql`grant usage on all sequences in schema ${id} to saveos_app`.execute(owner);
  await sql`grant execute on all functions in schema ${id} to saveos_app`.execute(owner);
}

/** pg-boss hands these to `pg` as they are; its own type knows fewer of them. */
function connectionOf(address: DatabaseAddress, role?: Role): ConstructorOptions {
  return connectionConfig(address, role) as ConstructorOptions;
}

/** Connects to the queue. */
export async function openQueue({ address, database, log, supervises }: Options): Promise<Queue> {
  const boss = new PgBoss({
    ...connectionOf(address, "saveos_app"),
    schema,
    max: connectionsMax,
    migrate: false,
    createSchema: false,
    supervise: supervises,
    superviseIntervalSeconds: superviseSeconds,
    schedule: supervises,
    useListenNotify: supervises,
  });
  // It goes on trying by itself: a database that is away is said once by those who need it.
  boss.on("error", (error) => log.error({ reason: errorText(error) }, "the queue of tasks has trouble"));
  await boss.start();
  return {
    enqueue: async (transaction, task, entries) => {
      if (entries.length === 0) return;
      const jobs = entries.map(({ data, at }) => ({ data, ...(at === undefined ? {} : { startAfter: at }) }));
      await boss.insert(task.name, jobs, { db: fromKysely(transaction) });
    },
    work: async (task, handler) => {
      if (task.cron !== undefined) await boss.schedule(task.name, task.cron, {}, { tz: "UTC" });
      const options = {
        batchSize,
        pollingIntervalSeconds: pollingSeconds,
        notifyPollingIntervalSeconds: pollingSeconds,
      };
      await boss.work(task.name, options, async (jobs) => {
        try {
          await handler(jobs.map(({ data }) => task.data.parse(data)));
        } catch (error) {
          log.error({ task: task.name, reason: errorText(error) }, "a task failed and will be tried again");
          throw error;
        }
      });
    },
    counts: async () => {
      const { rows } = await sql<TaskCounts>`
        select queue.name as task,
          count(*) filter (where job.state in ('created', 'retry') and job.start_after <= now())::int as waiting,
          count(*) filter (where job.state = 'active')::int as active,
          count(*) filter (where job.state = 'failed')::int as failed
        from ${sql.id(schema)}.queue left join ${sql.id(schema)}.job on job.name = queue.name
        where queue.name !~ '^__' group by queue.name order by queue.name`.execute(database);
      return rows;
    },
    [Symbol.asyncDispose]: async () => await boss.stop({ close: true, graceful: true, timeout: stopTimeoutMs }),
  };
}
