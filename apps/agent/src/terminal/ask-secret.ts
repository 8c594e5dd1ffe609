import type { ReadStream } from "node:tty";
import { AgentError } from "../errors/agent-error.ts";

const interrupt = "\u0003";
const endOfInput = "\u0004";
const erase = new Set(["\u0008", "\u007f"]);
const eraseLine = "\u0015";

/** Asks on a terminal and reads a line without showing it. Ctrl-C rejects with `interrupted`. */
export async function askSecret(
  terminal: { readonly input: ReadStream; readonly output: NodeJS.WriteStream },
  question: string,
): Promise<string> {
  const { input, output } = terminal;
  output.write(question);
  input.setRawMode(true);
  input.setEncoding("utf8");
  let answer = "";
  try {
    for await (const text of input.iterator({ destroyOnReturn: false })) {
      for (const character of String(text)) {
        if (character === "\r" || character === "\n" || character === endOfInput) return answer;
        if (character === interrupt) throw new AgentError("interrupted", "Interrupted.");
        if (erase.has(character)) answer = answer.replace(/.$/su, "");
        else if (character === eraseLine) answer = "";
        else answer += character;
      }
    }
    return answer;
  } finally {
    input.setRawMode(false);
    input.pause();
    output.write("\n");
  }
}
