import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { type RunningSwift, startSwift } from "./start-swift.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A socket that answers whoever connects with the S3 server's endpoint, or with why there is none. */
    s3ServerSocket: string;
  }
}

/** One S3 server for all test files of a run, started when the first of them asks for it: most runs never do. */
export default async function offerS3Server(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-s3-socket-"));
  const socket = join(folder, "socket");
  let starting: Promise<RunningSwift> | undefined;
  const listener = createServer((connection) => {
    connection.on("error", () => connection.destroy());
    starting ??= startSwift();
    void starting.then(
      ({ endpoint }) => connection.end(JSON.stringify({ endpoint })),
      (error: unknown) => connection.end(JSON.stringify({ failure: String(error) })),
    );
  });
  await new Promise<void>((resolve) => listener.listen(socket, resolve));
  project.provide("s3ServerSocket", socket);
  return async () => {
    listener.close();
    const swift = await starting?.catch(() => undefined);
    await swift?.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
