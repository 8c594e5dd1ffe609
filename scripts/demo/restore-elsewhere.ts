import { join } from "node:path";
import type { Api } from "./api.ts";
import { type DemoAgent, enrol } from "./enrol.ts";
import { bytes, count, step } from "./screen.ts";
import type { Workspace } from "./workspace.ts";

/** Restores one snapshot of the folder into another place, by another agent that takes over the repository. */
export async function restoreElsewhere(
  workspace: Workspace,
  api: Api,
  lost: DemoAgent,
  { snapshotId, folder }: { snapshotId: string; folder: string },
): Promise<{ path: string; seconds: number }> {
  const path = join(workspace.path, "restored");
  await using other = await step(
    "Enrol another agent in its place",
    () => enrol(workspace, api, { name: "agent-b", instead: lost }),
    ({ id }) => `agent ${id}`,
  );
  return await step(
    "Restore the first snapshot there",
    async (draw) => {
      const startedMs = performance.now();
      const onLine = (line: string) => drawStatus(draw, JSON.parse(line) as Readonly<Record<string, unknown>>);
      await other.run(["restore", "--json", `${snapshotId}:${folder}`, "--target", path], { onLine });
      return { path, seconds: (performance.now() - startedMs) / 1000 };
    },
    ({ seconds }) => `${path}, ${seconds.toFixed(1)} s`,
  );
}

/** Restic's own status lines, which `--json` prints while it works. */
function drawStatus(draw: (share: number, text: string) => void, status: Readonly<Record<string, unknown>>): void {
  if (status["message_type"] !== "status") return;
  const number = (key: string) => Number(status[key] ?? 0);
  draw(number("percent_done"), `${count(number("files_restored"))} files, ${bytes(number("bytes_restored"))}`);
}
