import { z } from "zod";

/** Where a list goes on: what its last answer gave as `next_cursor`. */
export const cursor = z.string().min(1).max(500);

/** Asks for a part of a list. */
export function pageQuery(most: number) {
  return { cursor: cursor.optional(), limit: z.coerce.number().int().min(1).max(most).default(Math.min(50, most)) };
}

/** Null: there is no more. */
export const nextCursor = cursor.nullable();
