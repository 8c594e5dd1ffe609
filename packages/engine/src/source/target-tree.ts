import { cleanPath } from "../pattern/clean-path.ts";
import type { DirectoryContext } from "./backup-rules.ts";

/** A path to back up: as the person gave it, which shapes the snapshot, and absolute (`FileSource.absolute`). */
export interface ScanTarget {
  readonly given: string;
  readonly absolute: string;
  /** For an entry that stands in for the directory it is in: that directory was given, so the rules apply to the entry. */
  readonly entryOf?: DirectoryContext | undefined;
}

/**
 * What the targets name. A `way` is a directory above a target: it is in the snapshot with its metadata, but only with what leads to
 * targets.
 */
export interface TargetNode {
  readonly path: string;
  readonly role: "way" | "target";
  readonly entryOf: DirectoryContext | undefined;
  readonly below: ReadonlyMap<string, TargetNode>;
}

interface GrowingNode {
  readonly path: string;
  role: "way" | "target";
  entryOf: DirectoryContext | undefined;
  /** Where the path's first component is looked up; it matters on the first level only. */
  readonly base: string;
  readonly below: Map<string, GrowingNode>;
}

/**
 * The upper part of a snapshot: the components of the targets' paths, merged. Relative targets lose their leading `..`; if two targets then
 * begin with the same name in different directories, the later one gets `-1`, `-2` … behind it, as restic does. A target given twice
 * counts once. Targets have at least one component.
 */
export function targetTree(targets: readonly ScanTarget[]): ReadonlyMap<string, TargetNode> {
  const top = new Map<string, GrowingNode>();
  for (const target of targets) grow(top, target);
  return top;
}

/** A target's place in the snapshot. On Windows the volume `C:` becomes a directory `C`. */
export function targetComponents({ given, absolute }: ScanTarget): {
  readonly base: string;
  readonly components: readonly string[];
} {
  // Only Windows has volumes, and only there `\` separates.
  const isWindows = startsWithVolume.test(absolute);
  const parts = cleanPath(isWindows ? given.replaceAll("\\", "/") : given).split("/");
  if (parts[0] === "") return { base: "/", components: parts.slice(1).filter((part) => part !== "") };
  if (isWindows && startsWithVolume.test(given)) {
    const [volume = "", ...rest] = parts;
    return { base: "/", components: [volume.slice(0, 1), ...rest.filter((part) => part !== "")] };
  }
  const components = parts.filter((part) => part !== "." && part !== "..");
  return { base: "../".repeat(parts.filter((part) => part === "..").length), components };
}

const startsWithVolume = /^[A-Za-z]:/;

function grow(top: Map<string, GrowingNode>, target: ScanTarget): void {
  const { base, components } = targetComponents(target);
  let level = top;
  for (const [index, component] of components.entries()) {
    const levelsAbove = components.length - 1 - index;
    const name = index === 0 ? freeName(top, component, base) : component;
    const node: GrowingNode = level.get(name) ?? {
      path: ancestor(target.absolute, levelsAbove),
      role: "way",
      entryOf: undefined,
      base,
      below: new Map(),
    };
    level.set(name, node);
    if (levelsAbove === 0) makeTarget(node, target);
    level = node.below;
  }
}

/** Being named by the person outweighs being an entry of a directory that was named. */
function makeTarget(node: GrowingNode, { entryOf }: ScanTarget): void {
  const wasNamed = node.role === "target" && node.entryOf === undefined;
  node.role = "target";
  node.entryOf = wasNamed ? undefined : entryOf;
}

function freeName(top: ReadonlyMap<string, GrowingNode>, name: string, base: string): string {
  let free = name;
  for (let suffix = 1; ; suffix += 1) {
    const other = top.get(free);
    if (!other || other.base === base) return free;
    free = `${name}-${suffix}`;
  }
}

function ancestor(path: string, levels: number): string {
  let result = path;
  for (let level = 0; level < levels; level += 1) result = result.slice(0, result.lastIndexOf("/"));
  return /^[A-Za-z]:$/.test(result) ? `${result}/` : result;
}
