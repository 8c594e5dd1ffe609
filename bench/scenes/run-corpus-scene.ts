import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compareFolders, readAll } from "../compare-folders.ts";
import { changeOnePercent } from "../corpora/change-one-percent.ts";
import { type PreparedCorpus, prepareCorpus } from "../corpora/prepare.ts";
import { folderBytes } from "../folder-bytes.ts";
import { measure } from "../measure/measure.ts";
import type { Work } from "../results/results.ts";
import { progress } from "../screen.ts";
import { borgTool } from "../tools/borg.ts";
import { resticOn, resticTool } from "../tools/restic.ts";
import { saveosTool } from "../tools/saveos.ts";
import { startBenchServer } from "../tools/through-server.ts";
import type { BenchRepository, Tool, ToolName } from "../tools/tool.ts";
import { remove } from "../workspace.ts";
import { type BenchRun, measureWork } from "./bench-run.ts";
import type { CorpusScene } from "./scenes.ts";

/** Every tool in turn at every work, round after round: A B C A B C. */
export async function runCorpusScene(scene: CorpusScene, run: BenchRun): Promise<void> {
  const { workspace, results, signal } = run;
  progress(`${scene.title}: making the corpus`);
  const corpus = await prepareCorpus(scene.corpus, workspace.corporaFolder, signal);

  using scratch = workspace.scratch(`scene-${scene.name}`);
  await using tools = await toolsOf(scene, run, scratch.path);
  for (let round = 1; round <= results.rounds; round++) {
    using folder = workspace.scratch(join(`scene-${scene.name}`, `round-${round}`));
    const repositories = await runRound({ scene, run, corpus, tools: tools.list, round, folder: folder.path });
    if (round === results.rounds) await letResticJudge(scene, run, repositories.get("SaveOS"), folder.path);
  }
}

interface Round {
  readonly scene: CorpusScene;
  readonly run: BenchRun;
  readonly corpus: PreparedCorpus;
  readonly tools: readonly Tool[];
  readonly round: number;
  readonly folder: string;
}

/** All works on fresh repositories; resolves with these. */
async function runRound(round: Round): Promise<ReadonlyMap<ToolName, BenchRepository>> {
  const { scene, run, corpus, tools } = round;
  const repositories = new Map<ToolName, BenchRepository>();
  for (const tool of tools) {
    const folder = join(round.folder, tool.name);
    mkdirSync(folder);
    repositories.set(tool.name, await tool.newRepository(folder, run.signal));
  }
  await using changed = new AsyncDisposableStack();
  for (const work of scene.works) {
    if (work === "changed") changed.use(await changeOnePercent(corpus, round.round, run.signal));
    if (work !== "restore" && work !== "check") {
      progress(`${scene.title}: reading it once`);
      await readAll(corpus.path, run.signal);
    }
    for (const [tool, repository] of repositories) await doWork(round, work, tool, repository);
  }
  return repositories;
}

async function doWork(
  { scene, run, corpus, round, folder }: Round,
  work: Work,
  tool: ToolName,
  repository: BenchRepository,
): Promise<void> {
  const at = { place: { scene: scene.name, work, tool }, round };
  if (work === "restore") {
    const target = join(folder, "restored");
    mkdirSync(target);
    await measureWork(run, repository.restore(target), at);
    progress(`${scene.title}: comparing what ${tool} restored`);
    await compareFolders(corpus.path, join(target, corpus.path), run.signal);
    remove(target);
  } else if (work === "check") {
    await measureWork(run, repository.check(), at);
  } else {
    await measureWork(run, repository.backUp(corpus.path), at);
  }
  if (work === "full" && repository.path !== undefined)
    run.results.sizes.push({ scene: scene.name, tool, round, bytes: folderBytes(repository.path) });
}

/** Stock restic must find nothing wrong with what SaveOS wrote. */
async function letResticJudge(
  { name, title }: CorpusScene,
  { tools, results, signal }: BenchRun,
  repository: BenchRepository | undefined,
  folder: string,
): Promise<void> {
  if (tools.restic === undefined || repository?.forRestic === undefined) return;
  progress(`${title}: restic reads what SaveOS wrote`);
  const { path, password } = repository.forRestic;
  const judge = resticOn(tools.restic, { address: path, cache: join(folder, "judge-cache"), password });
  await measure(judge.check(), { logFile: join(folder, "judge.log"), signal });
  results.acceptedByRestic.push(name);
}

async function toolsOf(
  { store }: CorpusScene,
  { tools: { restic, borg }, agentProgram }: BenchRun,
  folder: string,
): Promise<AsyncDisposable & { readonly list: readonly Tool[] }> {
  const nothing = async () => undefined;
  if (store === "folder") {
    const peers = [restic && resticTool(restic), borg && borgTool(borg)].filter((tool) => typeof tool === "object");
    return { list: [saveosTool(agentProgram), ...peers], [Symbol.asyncDispose]: nothing };
  }
  const server = await startBenchServer(join(folder, "server"));
  const saveos = server.saveos(agentProgram);
  const list = restic === undefined ? [saveos] : [saveos, server.restic(restic)];
  return { list, [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose]() };
}
