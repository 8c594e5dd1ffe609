/** Letters of Go's file mode bits (`os.FileMode`), from the highest bit down. */
const modeLetters = "dalTLDpSugct?";
const permissionLetters = "rwxrwxrwx";

/** A mode as Go, and so restic, writes it: `drwxr-xr-x`, `Lrwxrwxrwx`, `urwxr-xr-x`. */
export function permissions(goMode: number): string {
  const kind = Array.from(modeLetters)
    .filter((_, index) => isSet(goMode, 31 - index))
    .join("");
  const bits = Array.from(permissionLetters, (letter, index) => (isSet(goMode, 8 - index) ? letter : "-")).join("");
  return (kind === "" ? "-" : kind) + bits;
}

function isSet(mode: number, bit: number): boolean {
  return ((mode >>> bit) & 1) === 1;
}
