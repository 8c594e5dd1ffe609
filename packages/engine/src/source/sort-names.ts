import { compareNames } from "../format/names.ts";

/** By bytes. Without surrogates and what comes after them, UTF-16's order is the bytes' order, and the built-in sort is faster. */
export function sortNames(names: readonly string[]): readonly string[] {
  return names.some((name) => /[\ud800-\uffff]/.test(name)) ? names.toSorted(compareNames) : names.toSorted();
}
