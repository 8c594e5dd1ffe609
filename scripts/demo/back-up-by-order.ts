import type { Api } from "./api.ts";
import type { DemoAgent } from "./enrol.ts";
import { bytes, count, DemoError, step } from "./screen.ts";

export interface OrderedBackup {
  readonly snapshotId: string;
  readonly totalBytes: number;
  /** Compressed and sealed, as it went over the line. */
  readonly sentBytes: number;
}

/** Asks the server for a backup, as the dashboard will: the order reaches the waiting agent, whose reports say how it goes. */
export async function backUpByOrder(api: Api, agent: DemoAgent, folder: string, label: string): Promise<OrderedBackup> {
  return await step(
    label,
    async (draw) => {
      const { job_id: jobId } = await api.post("/api/v1/backup", { agent_id: agent.id, paths: [folder] });
      const job = await api.poll(`/api/v1/jobs/${String(jobId)}`, ({ state, progress }) => {
        drawProgress(draw, progress);
        return state !== "pending" && state !== "running";
      });
      if (job["state"] !== "completed")
        throw new DemoError(`The backup ended as ${String(job["state"])}: ${String(job["reason"])}`);
      return resultOf(job["summary"] as Readonly<Record<string, unknown>>);
    },
    ({ files, changed, totalBytes, sentBytes }) =>
      `${count(files)} files, ${bytes(totalBytes)}; ${changed}, sent ${bytes(sentBytes)}`,
  );
}

function drawProgress(draw: (share: number, text: string) => void, progress: unknown): void {
  if (typeof progress !== "object" || progress === null) return;
  const {
    bytes_done: done,
    bytes_total: total,
    files_done: files,
  } = progress as Readonly<Record<string, number | undefined>>;
  if (done !== undefined) draw(total ? done / total : 0, `${count(files ?? 0)} files, ${bytes(done)}`);
}

function resultOf(summary: Readonly<Record<string, unknown>>) {
  const number = (key: string) => Number(summary[key]);
  return {
    snapshotId: String(summary["snapshot_id"]),
    files: number("total_files_processed"),
    changed: `${count(number("files_new"))} new, ${count(number("files_changed"))} changed`,
    totalBytes: number("total_bytes_processed"),
    sentBytes: number("data_added_packed"),
  };
}
