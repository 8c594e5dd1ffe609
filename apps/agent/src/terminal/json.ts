/**
 * A value as one line of JSON, as restic's scripts expect it: names are text, and bytes of a name that are not UTF-8 (lone surrogates in
 * the engine's escaped strings) become U+FFFD. A `bigint` is written as the integer it is; keys with undefined values are left out.
 */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) => {
    if (typeof item === "string") return item.toWellFormed();
    if (typeof item === "bigint") return rawJson(String(item));
    return item;
  });
}

/** JSON.rawJSON (ECMAScript proposal "JSON.parse source text access", in Node since 21) is not in TypeScript's libraries yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };
