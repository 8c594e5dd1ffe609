import type { Output } from "./output.ts";

const hideCursor = "\u001b[?25l";
const showCursor = "\u001b[?25h";
const clearToEnd = "\u001b[0J";

/** Lines at the bottom of a terminal that are drawn again and again in one place. Does nothing where there is no terminal. */
export class LiveLines {
  readonly #output: Output;
  #drawn = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Draws `lines` over those drawn before. They must fit the width: a line that wraps can't be drawn over. */
  draw(lines: readonly string[]): void {
    if (!this.#output.isTerminal) return;
    void this.#output.write(hideCursor + this.#toStart() + lines.join("\n"));
    this.#drawn = lines.length;
  }

  /** Takes the lines away and gives the cursor back, so that ordinary text may follow. Doing it twice is fine. */
  clear(): void {
    if (this.#drawn === 0) return;
    void this.#output.write(this.#toStart() + showCursor);
    this.#drawn = 0;
  }

  #toStart(): string {
    const up = this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A` : "";
    return this.#drawn === 0 ? "" : `${up}\r${clearToEnd}`;
  }
}
