import { createHash } from "node:crypto";
import { sql } from "kysely";
import type { PoolClient } from "pg";

const mark = "/* planned once */";

/**
 * Begins a statement that requests ask by the thousand: each connection has it parsed and planned once, which costs more than to execute it. Not for one that
 * says `*`, which fails on a table that gets a column meanwhile, and not where the best plan depends on the values.
 */
export const plannedOnce = sql.raw(mark);

/** Makes a new connection keep the plans of marked statements. */
export function keepPlans(client: PoolClient): void {
  const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
  Object.assign(client, {
    query: (statement: unknown, values: unknown, ...rest: readonly unknown[]) =>
      typeof statement === "string" && statement.startsWith(mark)
        ? query({ name: nameOf(statement), text: statement, values }, ...rest)
        : query(statement, values, ...rest),
  });
}

/** PostgreSQL's names have at most 63 bytes. */
function nameOf(statement: string): string {
  return createHash("sha256").update(statement).digest("hex").slice(0, 32);
}
