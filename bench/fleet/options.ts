import { parseArgs } from "node:util";
import { BenchError } from "../bench-error.ts";
import type { Side } from "./results.ts";

export interface FleetOptions {
  readonly help: boolean;
  readonly quick: boolean;
  readonly sides: readonly Side[];
  /** Sizes of the fleets under load, the smallest first; none to leave that out. */
  readonly agents: readonly number[];
  readonly seconds: number;
  /** Orders to a thousand waiting agents; 0 to leave that out. */
  readonly orders: number;
  /** Agents that are due at one minute; 0 to leave that out. */
  readonly due: number;
  readonly keep: boolean;
  readonly jsonFile: string | undefined;
  readonly writePage: boolean;
}

export const fleetHelp = `Usage: npm run bench:fleet -- [options]

Starts a real server with its embedded PostgreSQL and simulates a fleet of agents that
enrol, wait in heartbeats, take orders and report. Both share this machine.

  --agents NUMBERS   sizes of the fleets (1000,3000,10000; 0 for none)
  --seconds N        how long each works under load (120); half as long it only waits
  --orders N         orders to 1000 agents that wait (200; 0 for none)
  --due N            agents whose plan's window opens at one minute (1000; 0 for none)
  --tls              the server ends TLS itself (without --proxied the default)
  --proxied          plain HTTP, as behind a proxy that ends TLS; with --tls: first one, then the other
  --quick            100 and 200 agents for 10 s, 20 orders, 50 due: five minutes
  --keep             leave the server's data and log
  --json FILE        write everything measured
  --write            put the results into docs/performance.md

Each agent takes a file here and one in the server: ulimit -n must be twice the number of agents.
`;

/** Throws `BenchError` for what makes no sense. */
export function parseFleetOptions(args: readonly string[]): FleetOptions {
  const values = parseStrictly(args);
  const quick = values.quick === true;
  if (quick && values.write === true) throw new BenchError("--write needs the real sizes. Leave out --quick.");
  const sides = (["tls", "proxied"] as const).filter((side) => values[side] === true);
  return {
    help: values.help === true,
    quick,
    sides: sides.length === 0 ? ["tls"] : sides,
    agents: parseSizes(values.agents ?? (quick ? "100,200" : "1000,3000,10000")),
    seconds: parseNumber("--seconds", values.seconds, quick ? 10 : 120),
    orders: parseNumber("--orders", values.orders, quick ? 20 : 200),
    due: parseNumber("--due", values.due, quick ? 50 : 1000),
    keep: values.keep === true,
    jsonFile: values.json,
    writePage: values.write === true,
  };
}

function parseStrictly(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        quick: { type: "boolean" },
        tls: { type: "boolean" },
        proxied: { type: "boolean" },
        agents: { type: "string" },
        seconds: { type: "string" },
        orders: { type: "string" },
        due: { type: "string" },
        keep: { type: "boolean" },
        json: { type: "string" },
        write: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new BenchError(`${(error as Error).message}\nSee npm run bench:fleet -- --help`, { cause: error });
  }
}

function parseSizes(text: string): number[] {
  if (text === "0") return [];
  const sizes = text.split(",").map((each) => parseNumber("--agents", each, 0));
  if (sizes.includes(0)) throw new BenchError(`--agents ${text}: a fleet has at least one agent.`);
  return [...new Set(sizes)].sort((one, other) => one - other);
}

function parseNumber(option: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  if (!/^\d{1,6}$/.test(text.trim())) throw new BenchError(`${option} ${text}: give a number up to 999999.`);
  return Number(text);
}
