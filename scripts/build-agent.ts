import { chmod, readdir } from "node:fs/promises";
import path from "node:path";
import { build } from "rolldown";
import { packageAgent } from "./package-agent.ts";

/*
 * `npm run build` writes apps/agent/dist: the agent as packages will hold it. docs/adr/0012-bundle.md says why.
 */

const project = path.join(import.meta.dirname, "..");
const distFolder = path.join(project, "apps/agent/dist");
const workerFolder = "packages/engine/src/platform/node";

/** Packages that stay outside and are installed beside: koffi is a native add-on; the AWS SDK is large and loaded only for a store in S3. */
export const outsidePackages: readonly string[] = ["koffi", "@aws-sdk"];

export interface AgentBuild {
  /** The file to run. */
  readonly program: string;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

/** Writes the agent into `folder`, which is emptied first. */
export async function buildAgent(folder: string): Promise<AgentBuild> {
  const { output } = await build({
    cwd: project,
    input: { "saveos-agent": "apps/agent/src/start.js", ...(await workerEntries()) },
    platform: "node",
    external: outsidePackages.map((name) => new RegExp(`^${name}(/|$)`)),
    onLog: (_level, { message }) => {
      // It may be an import that leads nowhere: only whoever uses that command would notice.
      throw new Error(message);
    },
    // Not minified, so the stack of an error can be read without source maps.
    output: {
      dir: folder,
      cleanDir: true,
      format: "esm",
      entryFileNames: "[name].js",
      // Should a daemon be updated while it runs, it finds the chunks of its own version or none.
      chunkFileNames: "[name]-[hash].js",
    },
  });
  const program = path.join(folder, "saveos-agent.js");
  await chmod(program, 0o755);
  const codes = output.map((file) => (file.type === "chunk" ? file.code : file.source));
  return { program, fileCount: codes.length, sizeBytes: codes.reduce((sum, code) => sum + Buffer.byteLength(code), 0) };
}

/** By convention each `*-worker.ts` is the entry of a thread. `answering-thread.ts` starts it from beside itself, so all files lie in one folder. */
async function workerEntries(): Promise<Record<string, string>> {
  const files = (await readdir(path.join(project, workerFolder))).filter((file) => file.endsWith("-worker.ts"));
  return Object.fromEntries(files.map((file) => [path.parse(file).name, `${workerFolder}/${file}`]));
}

if (import.meta.main) {
  const startedMs = performance.now();
  const { fileCount, sizeBytes } = await buildAgent(distFolder);
  await packageAgent(distFolder);
  const seconds = (performance.now() - startedMs) / 1000;
  const folder = path.relative(process.cwd(), distFolder);
  console.log(`${folder}: ${fileCount} files, ${(sizeBytes / 1e6).toFixed(1)} MB, in ${seconds.toFixed(1)} s`);
}
