import type { ToolName } from "../tools/tool.ts";
import type { Results, Sample } from "./results.ts";

/** Results of one scene, the source tree, made up for tests. */
export function resultsWith(
  samples: readonly Partial<Sample>[],
  sizes: Partial<Record<ToolName, number>> = {},
): Results {
  return {
    startedAt: "2026-01-31T08:30:00.000Z",
    machine: { cpu: "A processor", cores: 2, memoryBytes: 2 ** 33, system: "Linux 6", node: "26.10.0" },
    versions: { SaveOS: "0.1.0", restic: "0.19.1" },
    rounds: 3,
    quick: false,
    scenes: [{ name: "source", title: "source tree: a few files", works: ["full", "restore"] }],
    samples: samples.map((sample) => ({ ...plain, ...sample })),
    sizes: Object.entries(sizes).map(([tool, bytes]) => ({ scene: "source", tool: tool as ToolName, round: 1, bytes })),
    acceptedByRestic: ["source"],
  };
}

const plain: Sample = {
  scene: "source",
  work: "full",
  tool: "SaveOS",
  round: 1,
  wallSeconds: 1,
  cpuSeconds: 1,
  peakBytes: 1e8,
};
