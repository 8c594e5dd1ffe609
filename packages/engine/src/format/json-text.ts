/**
 * A JSON string literal, byte for byte as Go's `encoding/json` writes it (Go ≥ 1.22): `<`, `>`, `&`, U+2028 and U+2029 are escaped, and every
 * byte that is not part of valid UTF-8 (a lone surrogate in an escaped string, see `names.ts`) is `\ufffd`.
 */
export function jsonString(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80 || needsEscape[unit] === 1) return `"${text.replace(unusual, escapeOf)}"`;
  }
  return `"${text}"`;
}

/** `[` elements that are JSON already `]`. */
export function jsonArray(elements: Iterable<string>): string {
  return `[${[...elements].join(",")}]`;
}

/**
 * An object from its members in order. An undefined value leaves the member out: it says "empty, and omitted when empty". Values are JSON
 * already.
 */
export function jsonObject(
  members: Readonly<Record<string, string | number | bigint | boolean | null | undefined>>,
): string {
  const texts: string[] = [];
  for (const [key, value] of Object.entries(members)) {
    if (value !== undefined) texts.push(`"${key}":${value}`);
  }
  return `{${texts.join(",")}}`;
}

/** The bytes of a document. */
export function jsonBytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

// A lone surrogate is matched alone because with `u` a pair is one character.
// oxlint-disable-next-line no-control-regex -- these are the characters it is about
const unusual = /[\u0000-\u001f"\\<>&\u2028\u2029\ud800-\udfff]/gu;

const needsEscape: Uint8Array = Uint8Array.from({ length: 0x80 }, (_, unit) =>
  unit < 0x20 || '"\\<>&'.includes(String.fromCharCode(unit)) ? 1 : 0,
);

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\b", "\\b"],
  ["\f", "\\f"],
]);

function escapeOf(character: string): string {
  const unit = character.charCodeAt(0);
  // A surrogate that stands for one byte is one bad byte; any other is three bytes of UTF-8 that Go does not accept either.
  if (unit >= 0xd800 && unit <= 0xdfff) return unit >= 0xdc80 && unit <= 0xdcff ? "\\ufffd" : "\\ufffd\\ufffd\\ufffd";
  return shortEscapes.get(character) ?? `\\u${unit.toString(16).padStart(4, "0")}`;
}
