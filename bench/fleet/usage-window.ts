import { setInterval } from "node:timers/promises";
import { type Usage, usageOf, usageOfDescendants } from "./process-usage.ts";

/** What the server used in a stretch of time: itself, and the PostgreSQL that it runs, which is all that it starts. */
export interface UsageWindow {
  readonly seconds: number;
  readonly server: WindowUsage;
  readonly postgres: WindowUsage;
  /** This process: a load that is short of time itself makes the server look slow. */
  readonly load: WindowUsage;
}

export interface WindowUsage {
  readonly cpuMs: number;
  /** The largest that was seen. The server's is its RSS; PostgreSQL's processes share memory, so theirs is the sum of their PSS. */
  readonly peakBytes: number;
  readonly meanBytes: number;
}

/** Reading what a large process maps takes the kernel milliseconds. */
const sampleEveryMs = 2000;

/** Watches what the server uses while `work` is done. */
export async function watchUsage(serverPid: number, work: () => Promise<unknown>): Promise<UsageWindow> {
  const startedAt = performance.now();
  const samples = [await sample(serverPid)];
  const over = new AbortController();
  const sampling = (async () => {
    for await (const _tick of setInterval(sampleEveryMs, undefined, { signal: over.signal })) {
      samples.push(await sample(serverPid));
    }
  })().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  try {
    await work();
  } finally {
    over.abort();
  }
  const last = await sample(serverPid);
  const seconds = (performance.now() - startedAt) / 1000;
  await sampling;
  const all = [...samples, last];
  const window = (pick: (at: Sample) => { cpuMs: number; bytes: number }): WindowUsage => {
    const first = all[0] === undefined ? 0 : pick(all[0]).cpuMs;
    const bytes = all.map((at) => pick(at).bytes);
    return {
      cpuMs: pick(last).cpuMs - first,
      peakBytes: Math.max(...bytes),
      meanBytes: bytes.reduce((sum, each) => sum + each, 0) / bytes.length,
    };
  };
  return {
    seconds,
    server: window(({ server }) => ({ cpuMs: server.cpuMs, bytes: server.rssBytes })),
    postgres: window(({ postgres }) => ({ cpuMs: postgres.cpuMs, bytes: postgres.pssBytes })),
    load: window(({ load }) => ({ cpuMs: load.cpuMs, bytes: load.rssBytes })),
  };
}

interface Sample {
  readonly server: Usage;
  readonly postgres: Usage;
  readonly load: Usage;
}

async function sample(serverPid: number): Promise<Sample> {
  const [server, postgres, load] = await Promise.all([
    usageOf(serverPid),
    usageOfDescendants(serverPid),
    usageOf(process.pid),
  ]);
  return { server, postgres, load };
}
