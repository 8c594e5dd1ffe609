import type { ApiKey } from "./list-api-keys.ts";

/** A table of keys for a terminal. */
export function describeKeys(keys: readonly ApiKey[], now: Date): string {
  if (keys.length === 0) return "There are no API keys. Make one: npx saveos-server create-api-key\n";
  const head = ["ID", "STATE", "CREATED", "LAST USED", "EXPIRES", "NAME"];
  const rows = keys.map((key) => [
    key.id,
    stateOf(key, now),
    day(key.created_at),
    day(key.last_used_at),
    day(key.expires_at),
    // A name can be anything: it must not speak to the terminal.
    key.name.replaceAll(/\p{Cc}/gu, "?"),
  ]);
  const widths = head.map((_title, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  return [head, ...rows]
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function stateOf({ revoked_at, expires_at }: ApiKey, now: Date): string {
  if (revoked_at !== null) return "revoked";
  return expires_at !== null && expires_at <= now ? "expired" : "works";
}

function day(date: Date | null): string {
  return date === null ? "-" : date.toISOString().slice(0, 10);
}
