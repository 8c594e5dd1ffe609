import { mustRun, run, type RunResult } from "./run.ts";

/** Stock age (Debian's package), the second oracle for what the vault seals. Must succeed; resolves with what it printed. */
export async function age(...args: string[]): Promise<string> {
  return await mustRun("age", args);
}

/** The same with a person at a terminal, who types the passphrase wherever age asks for it. age takes passphrases from nowhere else. */
export async function typePassphrase(passphrase: string, ...args: string[]): Promise<RunResult> {
  const line = ["age", ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  // age asks twice where it locks something.
  return await run("script", ["-qec", line, "/dev/null"], { input: `${passphrase}\n${passphrase}\n` });
}
