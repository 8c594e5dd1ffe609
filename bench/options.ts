import { parseArgs } from "node:util";
import { BenchError } from "./bench-error.ts";
import { type Work, works } from "./results/results.ts";
import { defaultScenes, furtherScenes, type SceneName } from "./scenes/scenes.ts";

export interface Options {
  readonly help: boolean;
  readonly quick: boolean;
  readonly rounds: number;
  readonly scenes: readonly SceneName[];
  /** Undefined for all. A full backup is always made: the others need it. */
  readonly works: readonly Work[] | undefined;
  readonly folder: string | undefined;
  readonly keep: boolean;
  readonly jsonFile: string | undefined;
  readonly writePage: boolean;
  readonly requirePeers: boolean;
}

export const helpText = `Usage: npm run bench -- [options]

Measures SaveOS, restic and borg in turn on the same data and prints one table.
The peers are found on the PATH, or by BENCH_RESTIC and BENCH_BORG.

  --quick            small data, one round: two minutes
  --rounds N         rounds of A B C A B C … (3; with --quick 1)
  --corpus NAMES     ${[...defaultScenes].join(", ")}; when asked for also ${furtherScenes.join(", ")}
  --only WORKS       ${works.join(", ")}; a full backup always comes first
  --folder FOLDER    work in FOLDER/saveos-bench; corpora found there are used
                     (BENCH_FOLDER, else a folder of its own among the temporary ones)
  --keep             leave corpora, repositories, logs and the built agent
  --json FILE        write everything measured, each run by itself
  --write            put the results into docs/performance.md
  --require-peers    end with 3 if restic or borg is missing
`;

/** Four times as long, and the median of three is as good on a quiet machine. */
const defaultRounds = 3;

/** Throws `BenchError` for what makes no sense. */
export function parseOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Options {
  const values = parseStrictly(args);
  const quick = values.quick === true;
  if (quick && values.write === true)
    throw new BenchError("--write needs the real data: small data says little about the targets. Leave out --quick.");
  return {
    help: values.help === true,
    quick,
    rounds: parseRounds(values.rounds) ?? (quick ? 1 : defaultRounds),
    scenes: parseNames("--corpus", values.corpus, [...defaultScenes, ...furtherScenes]) ?? defaultScenes,
    works: parseNames("--only", values.only, works),
    folder: values.folder ?? (env["BENCH_FOLDER"] || undefined),
    keep: values.keep === true,
    jsonFile: values.json,
    writePage: values.write === true,
    requirePeers: values["require-peers"] === true,
  };
}

function parseStrictly(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        quick: { type: "boolean" },
        rounds: { type: "string" },
        corpus: { type: "string" },
        only: { type: "string" },
        folder: { type: "string" },
        keep: { type: "boolean" },
        json: { type: "string" },
        write: { type: "boolean" },
        "require-peers": { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new BenchError(`${(error as Error).message}\nSee npm run bench -- --help`, { cause: error });
  }
}

function parseRounds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d?$/.test(text)) throw new BenchError(`--rounds ${text}: give a number from 1 to 99.`);
  return Number(text);
}

/** In the order of `all`, whatever the order given. */
function parseNames<Name extends string>(
  option: string,
  text: string | undefined,
  all: readonly Name[],
): readonly Name[] | undefined {
  if (text === undefined) return undefined;
  const given = text.split(",").map((name) => name.trim());
  const unknown = given.filter((name) => !(all as readonly string[]).includes(name));
  if (unknown.length > 0) throw new BenchError(`${option} ${unknown.join(",")}: there is only ${all.join(", ")}.`);
  return all.filter((name) => given.includes(name));
}
