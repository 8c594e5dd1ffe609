import { bytes, step } from "./screen.ts";
import type { DemoAgent } from "./enrol.ts";
import { runProgram } from "./programs.ts";
import type { DemoServer } from "./server.ts";

/** Lets stock restic, where it is installed, read and verify the whole repository through the server. Resolves with the sentence to show. */
export async function judgeWithRestic(
  server: DemoServer,
  agent: DemoAgent,
  key: string,
  signal: AbortSignal,
): Promise<string> {
  const version = await resticVersion();
  if (!version)
    return "Stock restic is not installed here, so it did not judge the repository (apt-get install restic).";
  signal.throwIfAborted();
  const address = server.url.replace("https://", `rest:https://demo:${key}@`);
  const env = {
    RESTIC_REPOSITORY: `${address}/restic/${agent.repositoryId}/`,
    RESTIC_PASSWORD: agent.repositoryPassword,
  };
  const readAll = async () => {
    await runProgram("restic", ["check", "--read-data", "--no-cache", "--cacert", server.authorityFile], { env });
    const stats = await runProgram(
      "restic",
      ["stats", "--mode", "raw-data", "--json", "--no-cache", "--no-lock", "--cacert", server.authorityFile],
      { env },
    );
    return (JSON.parse(stats) as { total_size: number }).total_size;
  };
  await step(`Let stock ${version} read it all`, readAll, (size) => `no errors in ${bytes(size)}`);
  return `Stock ${version} read the whole repository through the server and found no errors.`;
}

async function resticVersion(): Promise<string | undefined> {
  try {
    return /restic [\d.]+/.exec(await runProgram("restic", ["version"]))?.[0];
  } catch {
    return undefined;
  }
}
