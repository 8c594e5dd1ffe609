import { describe } from "vitest";

/** What `npm test` could not bring, by name, with the reason (`scripts/test/bring-peers.ts`). */
const missing = new Map(
  (JSON.parse(process.env["SAVEOS_TEST_MISSING"] ?? "[]") as { name: string; reason: string }[]).map(
    ({ name, reason }) => [name, reason] as const,
  ),
);

/** A suite that needs programs from outside: skipped, by name and with the reason, when one of them could not be had. */
export function describeWith(peers: readonly string[], name: string, suite: () => void): void {
  const absent = peers.filter((peer) => missing.has(peer));
  if (absent.length === 0) describe(name, suite);
  else
    describe.skip(
      `${name} (skipped: ${absent.map((peer) => `${peer}: ${missing.get(peer) ?? ""}`).join("; ")})`,
      suite,
    );
}
