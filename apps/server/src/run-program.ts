import { ServerError } from "./server-error.ts";

/** Runs a program to its end. What goes wrong is one clear sentence on stderr and exit code 1; only a bug shows where it happened. */
export async function runProgram(program: () => Promise<void>): Promise<void> {
  try {
    await program();
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof ServerError) {
      process.stderr.write(`saveos-server: ${error.message}\n${error.hint === undefined ? "" : `${error.hint}\n`}`);
    } else {
      console.error(error);
    }
  }
}
