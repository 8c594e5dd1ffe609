/** How many columns a text takes on a terminal. Control sequences count nothing, East Asian and pictographic characters two. */
export function textWidth(text: string): number {
  let width = 0;
  for (const { segment } of graphemes.segment(text.replace(controlSequence, ""))) width += graphemeWidth(segment);
  return width;
}

/** Cuts from the start of a path or text so that it fits, keeping its telling end: `…ments/report.odt`. */
export function fitEnd(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  const kept: string[] = [];
  let width = 1;
  for (const { segment } of [...graphemes.segment(text)].toReversed()) {
    width += graphemeWidth(segment);
    if (width > columns) break;
    kept.unshift(segment);
  }
  return columns < 1 ? "" : `…${kept.join("")}`;
}

/** `text` followed by spaces up to `columns`. */
export function padEnd(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - textWidth(text)));
}

/** `text` led by spaces up to `columns`. */
export function padStart(text: string, columns: number): string {
  return " ".repeat(Math.max(0, columns - textWidth(text))) + text;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

// oxlint-disable-next-line no-control-regex -- the escape character is what a control sequence starts with
const controlSequence = /\u001b\[[0-9;?]*[A-Za-z]/g;

const wide =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;

function graphemeWidth(grapheme: string): number {
  if (/^[\p{Mark}\p{Control}\p{Format}]/u.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
}
