import type { PlanContent } from "@saveos/contract";
import type { StoredOrder } from "../../database/schema.ts";
import { resolvePresets } from "./presets.ts";

/** The order with which a machine runs a plan. */
export function backupOrderOf(
  { presets, paths, excludes, snapshot_tags, bandwidth, hooks }: PlanContent,
  platform: "linux" | "windows" | "macos" | null,
): Extract<StoredOrder, { kind: "backup" }> {
  const preset = resolvePresets(presets, platform ?? "linux");
  return {
    kind: "backup",
    paths,
    paths_if_present: [...preset.paths],
    excludes: [...preset.excludes, ...excludes],
    tags: snapshot_tags,
    bandwidth,
    hooks,
  };
}
