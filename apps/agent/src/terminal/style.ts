import { styleText } from "node:util";
import type { Output } from "./output.ts";

/** Colours by meaning. Off a terminal, or where colour is unwanted, all of them return the text as it is. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly quiet: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Honours NO_COLOR (no-color.org: any non-empty value) and TERM=dumb. */
export function styleFor(output: Output, env: Env): Style {
  const coloured = output.isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return {
    strong: paint("bold"),
    quiet: paint("dim"),
    good: paint("green"),
    warning: paint("yellow"),
    bad: paint("red"),
  };
}
