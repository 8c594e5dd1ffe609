/**
 * One path component's pattern in the language of Go's `filepath.Match`, which restic's patterns are made of:
 * `*` any run of characters, `?` any one, `[a-z]` and `[^a-z]` one of a class, `\x` the character x itself.
 * A character is a code point; a byte that is not UTF-8 is one too (an escaped string, `format/names.ts`).
 */
export interface Glob {
  matches(name: string): boolean;
}

export interface GlobOptions {
  /** `\` takes the meaning from the next character. Off on Windows, where it separates components. */
  readonly backslashEscapes: boolean;
}

type Token =
  | { readonly kind: "star" }
  | { readonly kind: "any" }
  | { readonly kind: "one"; readonly character: number }
  | { readonly kind: "class"; readonly negated: boolean; readonly ranges: readonly Range[] };

type Range = readonly [low: number, high: number];

/** The compiled glob, or undefined if the pattern is malformed: an open or empty class, or a `\` with nothing after it. */
export function parseGlob(pattern: string, options: GlobOptions): Glob | undefined {
  const tokens = new Parser(pattern, options).tokens();
  return tokens && { matches: (name) => matchTokens(tokens, codePoints(name)) };
}

/** A cursor over the pattern's characters; every method returns undefined where the pattern is malformed. */
class Parser {
  readonly #characters: readonly number[];
  readonly #backslashEscapes: boolean;
  #next = 0;

  constructor(pattern: string, { backslashEscapes }: GlobOptions) {
    this.#characters = codePoints(pattern);
    this.#backslashEscapes = backslashEscapes;
  }

  tokens(): readonly Token[] | undefined {
    const tokens: Token[] = [];
    while (this.#next < this.#characters.length) {
      const token = this.#token();
      if (!token) return undefined;
      tokens.push(token);
    }
    return tokens;
  }

  #token(): Token | undefined {
    if (this.#take("*")) return { kind: "star" };
    if (this.#take("?")) return { kind: "any" };
    if (this.#take("[")) return this.#class();
    if (this.#backslashEscapes) this.#take("\\");
    const character = this.#characters[this.#next++];
    return character === undefined ? undefined : { kind: "one", character };
  }

  /** After the `[`. A class holds at least one range, so a `]` right after its start is malformed, as is a bare `-`. */
  #class(): Token | undefined {
    const negated = this.#take("^");
    const ranges: Range[] = [];
    while (ranges.length === 0 || !this.#take("]")) {
      const low = this.#classCharacter();
      const high = this.#take("-") ? this.#classCharacter() : low;
      if (low === undefined || high === undefined) return undefined;
      ranges.push([low, high]);
    }
    return { kind: "class", negated, ranges };
  }

  #classCharacter(): number | undefined {
    const character = this.#characters[this.#next];
    if (character === code("-") || character === code("]")) return undefined;
    if (this.#backslashEscapes) this.#take("\\");
    const taken = this.#characters[this.#next++];
    // Go refuses bytes that are not UTF-8 inside a class.
    return taken === undefined || isEscapedByte(taken) ? undefined : taken;
  }

  #take(character: string): boolean {
    if (this.#characters[this.#next] !== code(character)) return false;
    this.#next += 1;
    return true;
  }
}

/** Goes back to the last star only: an earlier one could not do better. So the time is at most pattern × name. */
function matchTokens(tokens: readonly Token[], name: readonly number[]): boolean {
  let token = 0;
  let position = 0;
  let starToken = -1;
  let starPosition = 0;
  while (position < name.length) {
    const current = tokens[token];
    if (current?.kind === "star") {
      starToken = token++;
      starPosition = position;
    } else if (current && matchesOne(current, name[position] ?? 0)) {
      token += 1;
      position += 1;
    } else if (starToken >= 0) {
      token = starToken + 1;
      position = ++starPosition;
    } else {
      return false;
    }
  }
  while (tokens[token]?.kind === "star") token += 1;
  return token === tokens.length;
}

function matchesOne(token: Exclude<Token, { kind: "star" }>, character: number): boolean {
  if (token.kind === "any") return true;
  if (token.kind === "one") return token.character === character;
  return token.ranges.some(([low, high]) => low <= character && character <= high) !== token.negated;
}

function codePoints(text: string): number[] {
  return Array.from(text, code);
}

function code(character: string): number {
  return character.codePointAt(0) ?? 0;
}

function isEscapedByte(character: number): boolean {
  return character >= 0xdc80 && character <= 0xdcff;
}
