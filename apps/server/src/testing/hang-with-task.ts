import { z } from "zod";
import type { SocketAddress } from "../database/client.ts";
import { openDatabases } from "../database/databases.ts";
import { openQueue } from "../queue/queue.ts";
import { defineTask } from "../queue/tasks.ts";

/* A process that takes a task, says so and never ends it: tests kill it. */
const address = JSON.parse(process.argv[2] ?? "") as SocketAddress;
const databases = openDatabases(address);
const queue = await openQueue({ address, database: databases.door, log: console, supervises: true });
await queue.work(defineTask({ name: "greet", data: z.object({ name: z.string() }) }), async () => {
  process.stdout.write("taken\n");
  await new Promise(() => {});
});
