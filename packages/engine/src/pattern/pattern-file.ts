import { decodeName } from "../format/names.ts";

/** The value of an environment variable. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The patterns in a file: one a line, without the white space around it, without empty lines and those that begin with `#`, with
 * `$NAME` and `${NAME}` replaced (restic docs, "Excluding Files"). UTF-16 is understood if the file begins with a byte order mark;
 * otherwise bytes that are not UTF-8 stay what they are.
 */
export function readPatternFile(bytes: Uint8Array, environment: Environment): string[] {
  return decodeText(bytes)
    .split("\n")
    .map(trim)
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => expandVariables(line, environment));
}

function decodeText(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return decodeName(hasMark ? bytes.subarray(3) : bytes);
}

/** What Go trims, Unicode's White_Space: unlike JavaScript's `trim` with U+0085 and without U+FEFF. */
function trim(line: string): string {
  return line.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
}

/**
 * As Go's `os.Expand`: a name is letters, digits and `_`, or one of the shell's own one-character names; what is not set is empty;
 * `$$` is `$`; a `$` before anything else stays; an unfinished or empty `${` is dropped.
 */
function expandVariables(line: string, environment: Environment): string {
  return line.replace(
    /\$(?:\{([^}]+)\}|(\{\}?)|([*#$@!?0-9-])|([A-Za-z0-9_]+))/g,
    (_all, braced?: string, broken?: string, special?: string, plain?: string) => {
      if (broken !== undefined) return "";
      const name = braced ?? special ?? plain ?? "";
      return name === "$" ? "$" : (environment[name] ?? "");
    },
  );
}
