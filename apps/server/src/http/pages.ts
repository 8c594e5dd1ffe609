import { z } from "zod";
import { ProblemError } from "./problem.ts";

/** The place of a row in a list: the values that the list is sorted by, the last of them unique. */
export type Place = readonly (string | number)[];

/** The cursor after a row. It is opaque to clients: they give it back as it is. */
export function cursorAfter(place: Place): string {
  return Buffer.from(JSON.stringify(place)).toString("base64url");
}

/** The place that a cursor stands for; nothing without one. Refuses with 400 what isn't a cursor of a list that is sorted by such values. */
export function placeOf<const Kinds extends readonly [z.ZodType, ...z.ZodType[]]>(
  cursor: string | undefined,
  ...kinds: Kinds
): z.output<z.ZodTuple<Kinds, null>> | undefined {
  if (cursor === undefined) return undefined;
  const place = z.tuple(kinds).safeParse(parse(Buffer.from(cursor, "base64url").toString("utf8")));
  if (place.success) return place.data;
  const fields = [{ pointer: "/cursor", message: "is not a cursor of this list" }];
  throw new ProblemError(400, "The cursor is not one that this list gave.", { fields });
}

/** A page of rows, of which one more was asked for than the page holds to learn whether there are more. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  place: (row: Row) => Place,
): { readonly rows: readonly Row[]; readonly nextCursor: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return { rows: page, nextCursor: rows.length > limit && last !== undefined ? cursorAfter(place(last)) : null };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
