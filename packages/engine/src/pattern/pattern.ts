import { cleanPath } from "./clean-path.ts";
import { parseGlob } from "./glob.ts";

/** How patterns are to be read. */
export interface PatternOptions {
  /** As restic's `--iexclude` and `--iinclude`: capital letters don't matter. */
  readonly caseInsensitive?: boolean | undefined;
  /** `\` separates components as `/` does, and escapes nothing. */
  readonly windows?: boolean | undefined;
}

/** One component of a pattern: matches one component of a path, or is `**` and matches any number of them. */
export type Part = "**" | ((component: string) => boolean);

/**
 * One of restic's patterns (restic docs, "Excluding Files"): matches a path if it matches a run of neighbouring components anywhere
 * in it, so also everything below what it matches; if it begins with `/`, the run begins at the root.
 */
export interface Pattern {
  readonly isAnchored: boolean;
  /** `!pattern`: takes back what earlier patterns of the list matched. */
  readonly isNegated: boolean;
  /** Without the root. */
  readonly parts: readonly Part[];
}

/** A path cut into what patterns look at: a leading `/` and its components. */
export interface PathParts {
  readonly isRooted: boolean;
  readonly components: readonly string[];
}

/** Undefined if a part of the pattern is malformed. `text` is not empty. */
export function parsePattern(text: string, options: PatternOptions): Pattern | undefined {
  const isNegated = text.startsWith("!");
  const { isRooted, components } = splitPattern(isNegated ? text.slice(1) : text, options);
  const parts: Part[] = [];
  for (const component of components) {
    const part = parsePart(component, options);
    if (!part) return undefined;
    parts.push(part);
  }
  return { isAnchored: isRooted, isNegated, parts };
}

/** Cuts a clean path. `/` alone has one component, "", as restic has it: so patterns that match anything match the root too. */
export function splitPath(path: string): PathParts {
  const isRooted = path.startsWith("/");
  return { isRooted, components: (isRooted ? path.slice(1) : path).split("/") };
}

/** Tells whether the pattern matches the path or a directory above it. */
export function matchesPath({ isAnchored, parts }: Pattern, path: PathParts): boolean {
  if (isAnchored) return path.isRooted && matchesFrom(parts, path.components, 0);
  return path.components.some((_, offset) => matchesFrom(parts, path.components, offset));
}

/** Tells whether something below the path may match, or the path itself does. May say yes too often, never no too often. */
export function mayMatchBelowPath({ isAnchored, parts }: Pattern, path: PathParts): boolean {
  if (!isAnchored) return true;
  if (!path.isRooted) return false;
  if (path.components[0] === "") return true; // The root: everything is below it.
  const wildcard = parts.indexOf("**");
  const fixedParts = wildcard === -1 ? parts : parts.slice(0, wildcard);
  return fixedParts
    .slice(0, path.components.length)
    .every((part, index) => part !== "**" && part(path.components[index] ?? ""));
}

/**
 * Tells whether the parts match components beginning at `offset`; what follows is below the match and does not matter.
 * After a mismatch only the last `**` takes one component more: the parts before it already matched as early as they could.
 */
function matchesFrom(parts: readonly Part[], components: readonly string[], offset: number): boolean {
  let part = 0;
  let component = offset;
  let wildcardPart = -1;
  let wildcardComponent = 0;
  while (part < parts.length) {
    const current = parts[part];
    const name = components[component];
    if (current === "**") {
      wildcardPart = part++;
      wildcardComponent = component;
    } else if (name === undefined) {
      return false;
    } else if (current?.(name)) {
      part += 1;
      component += 1;
    } else if (wildcardPart >= 0) {
      part = wildcardPart + 1;
      component = ++wildcardComponent;
    } else {
      return false;
    }
  }
  return true;
}

/** `/` alone is the root and, as in restic, all below it. */
function splitPattern(text: string, { windows = false, caseInsensitive = false }: PatternOptions): PathParts {
  const cleaned = cleanPath(windows ? text.replaceAll("\\", "/") : text);
  if (cleaned === "/") return { isRooted: true, components: ["**"] };
  return splitPath(caseInsensitive ? lowerCase(cleaned) : cleaned);
}

function parsePart(component: string, { windows = false }: PatternOptions): Part | undefined {
  if (component === "**") return "**";
  if (!/[\\[\]*?]/.test(component)) return (name) => name === component;
  const glob = parseGlob(component, { backslashEscapes: !windows });
  return glob && ((name) => glob.matches(name));
}

/**
 * Lower case, one code point at a time, as Go's `strings.ToLower`: no final sigma, no letter that becomes two.
 * The text keeps its number of characters, so `?` means the same before and after.
 */
export function lowerCase(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text.toLowerCase();
  return Array.from(text, (character) => String.fromCodePoint(character.toLowerCase().codePointAt(0) ?? 0)).join("");
}
