import { type Seeded, seeded } from "./seeded.ts";

const vocabularyWords = 6000;
const keywords = [
  "const",
  "return",
  "if (",
  ") {",
  "}",
  "import",
  "function",
  "for (",
  "=>",
  "await",
  "export",
  "=",
  "// the",
];

/**
 * Text that compresses about as program sources do (zstd level 3: three to four times): lines of words, common ones far more often than
 * rare ones. The same for the same seed.
 */
export function sourceText(seed: number, lengthBytes: number): Uint8Array {
  const random = seeded(seed);
  const words = Array.from({ length: vocabularyWords }, () => word(random));
  const lines: string[] = [];
  for (let bytes = 0; bytes < lengthBytes;) {
    const line = lineOf(random, words);
    lines.push(line);
    bytes += line.length;
  }
  return new TextEncoder().encode(lines.join("")).subarray(0, lengthBytes);
}

function lineOf(random: Seeded, words: readonly string[]): string {
  const parts: string[] = ["  ".repeat(random.integer(5))];
  for (let count = 2 + random.integer(9); count > 0; count--) {
    const isKeyword = random.number() < 0.3;
    const rank = Math.floor(random.number() ** 3 * words.length);
    parts.push((isKeyword ? keywords[random.integer(keywords.length)] : words[rank]) ?? "", " ");
  }
  parts.push(";\n");
  return parts.join("");
}

const syllables = [
  "re",
  "con",
  "ta",
  "ble",
  "in",
  "ver",
  "sto",
  "ck",
  "ha",
  "sh",
  "no",
  "de",
  "pa",
  "th",
  "Read",
  "Get",
  "Set",
  "File",
  "er",
  "ing",
];

function word(random: Seeded): string {
  let text = "";
  for (let count = 2 + random.integer(3); count > 0; count--) text += syllables[random.integer(syllables.length)];
  return text;
}
