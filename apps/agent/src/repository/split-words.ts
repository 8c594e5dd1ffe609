import { AgentError } from "../errors/agent-error.ts";

/**
 * Splits a command line into words as a shell does with quotes and backslashes, and nothing else of a shell: no variables, no globs. Rejects
 * with `usage` when a quote is left open.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    if (quote !== "" && character === quote) quote = "";
    else if (character === "\\" && quote !== "'" && index + 1 < line.length)
      word = (word ?? "") + line.charAt((index += 1));
    else if (quote === "" && (character === '"' || character === "'")) {
      quote = character;
      word ??= "";
    } else if (quote === "" && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (quote !== "") throw new AgentError("usage", `A quote ${quote} is left open in: ${line}`);
  if (word !== undefined) words.push(word);
  return words;
}
