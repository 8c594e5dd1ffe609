import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { administratorOf } from "../../tests/support/administrator.ts";
import { agentAt, register, secretsOf } from "../../tests/support/saveos-agent.ts";
import { serverProcess } from "../../tests/support/server-process.ts";
import { measure } from "../measure/measure.ts";
import { resticOn } from "./restic.ts";
import { saveosOn } from "./saveos.ts";
import type { Tool } from "./tool.ts";

/** A SaveOS server on loopback, over TLS, with its embedded PostgreSQL and its objects in a folder. */
export interface BenchServer extends AsyncDisposable {
  /** The agent, enrolled there: each repository belongs to an agent of its own. */
  saveos(agentProgram: string): Tool;
  /** Stock restic on repositories of the same server, with an administrator's key. */
  restic(program: string): Tool;
}

/** @param folder empty; the server keeps all its data there */
export async function startBenchServer(folder: string): Promise<BenchServer> {
  await using started = new AsyncDisposableStack();
  // An empty address means the embedded database, whatever the environment of the person says.
  const server = started.use(
    await serverProcess(join(folder, "data"), { DATABASE_URL: "", SAVEOS_HOSTNAME: "localhost" }),
  );
  await server.start();
  const apiKey = await server.createApiKey();
  const administrator = administratorOf({ server, apiKey });
  const held = started.move();
  return {
    saveos: (agentProgram) => ({
      name: "SaveOS",
      newRepository: async (machine) => {
        const { enrolment } = await administrator.provision();
        const agent = agentAt(join(machine, "home"), { program: agentProgram });
        await register(agent, enrolment);
        const { repository_id: repositoryId } = (await agent.json("status"))[0] as { repository_id: string };
        const path = join(server.dataFolder, "objects", repositoryId);
        const password = (await secretsOf(agent)).repository_password;
        return { ...saveosOn(agentProgram, { folder: machine }), path, forRestic: { path, password } };
      },
    }),
    restic: (program) => ({
      name: "restic",
      newRepository: async (machine, signal) => {
        const repositoryId = randomUUID();
        const restic = resticOn(program, {
          address: `rest:${server.httpsUrl.replace("https://", `https://restic:${apiKey}@`)}/restic/${repositoryId}/`,
          cache: join(machine, "cache"),
          authority: join(server.dataFolder, "tls/authority.crt"),
        });
        await measure(restic.command("init"), { logFile: join(machine, "init.log"), signal });
        return { ...restic, path: join(server.dataFolder, "objects", repositoryId) };
      },
    }),
    [Symbol.asyncDispose]: async () => await held.disposeAsync(),
  };
}
