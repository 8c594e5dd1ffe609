import { EngineError } from "../errors/engine-error.ts";
import { lowerCase, matchesPath, mayMatchBelowPath, parsePattern, splitPath } from "./pattern.ts";
import type { PathParts, Pattern, PatternOptions } from "./pattern.ts";

/** Patterns in their order: a `!pattern` takes back what an earlier one matched. */
export interface PatternList {
  readonly patterns: readonly Pattern[];
  readonly caseInsensitive: boolean;
}

/** Reads restic's patterns (restic docs, "Excluding Files"); empty ones are left out. Throws `invalid-input`, naming every malformed one. */
export function parsePatterns(lines: readonly string[], options: PatternOptions = {}): PatternList {
  const patterns: Pattern[] = [];
  const malformed: string[] = [];
  for (const line of lines) {
    if (line === "") continue;
    const pattern = parsePattern(line, options);
    if (pattern) patterns.push(pattern);
    else malformed.push(line);
  }
  if (malformed.length > 0)
    throw new EngineError(
      "invalid-input",
      `Not a pattern: ${malformed.map((line) => JSON.stringify(line)).join(", ")}`,
      {
        hint: "Close every [ with a ], put something between them, and write a literal [, *, ? or \\ with a \\ before it.",
      },
    );
  return { patterns, caseInsensitive: options.caseInsensitive ?? false };
}

/** Tells whether the list matches this clean path, or a directory above it. */
export function matches(list: PatternList, path: string): boolean {
  if (list.patterns.length === 0) return false;
  const parts = partsOf(list, path);
  let isMatched = false;
  for (const pattern of list.patterns) {
    // Only a pattern that would change the answer needs a look.
    if (isMatched === pattern.isNegated && matchesPath(pattern, parts)) isMatched = !pattern.isNegated;
  }
  return isMatched;
}

/** Tells whether the list may match something below this clean path: if not, an include filter need not go down there. */
export function mayMatchBelow(list: PatternList, path: string): boolean {
  if (list.patterns.length === 0) return false;
  const parts = partsOf(list, path);
  let mayMatch = false;
  for (const pattern of list.patterns) {
    if (pattern.isNegated) mayMatch &&= !matchesPath(pattern, parts);
    else mayMatch ||= mayMatchBelowPath(pattern, parts);
  }
  return mayMatch;
}

function partsOf({ caseInsensitive }: PatternList, path: string): PathParts {
  return splitPath(caseInsensitive ? lowerCase(path) : path);
}
