import type { Machine } from "../results/machine.ts";
import type { Bar } from "./histogram.ts";
import type { Spread } from "./percentiles.ts";
import type { UsageWindow } from "./usage-window.ts";

export type Side = "tls" | "proxied";

/** Everything that `bench:fleet` measured. */
export interface FleetResults {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly versions: { readonly saveos: string; readonly postgres: string };
  readonly seconds: number;
  readonly enrolments: EnrolmentFigures[];
  readonly runs: FleetRun[];
  readonly waves: OrderWave[];
  readonly dues: DueRun[];
}

export interface EnrolmentFigures {
  readonly machines: number;
  readonly seconds: number;
  /** Answers that asked the administrator to come back later. */
  readonly slowedDown: number;
}

/** A fleet of one size under load. */
export interface FleetRun {
  readonly side: Side;
  readonly agents: number;
  readonly ordersPerSecond: number;
  /** RSS of the server before the first agent came. */
  readonly emptyBytes: number;
  readonly entries: Spread | undefined;
  /** All agents come, over a minute. */
  readonly arrival: UsageWindow;
  /** All agents wait and nothing happens. */
  readonly idle: UsageWindow;
  /** Orders are given, jobs run, somebody looks at lists. */
  readonly load: UsageWindow;
  readonly times: Readonly<Record<TimeName, Spread | undefined>>;
  readonly orders: OrderFigures;
  readonly failures: Readonly<Record<string, number>>;
}

export const timeNames = ["heartbeat", "order", "report", "list", "order to agent"] as const;
export type TimeName = (typeof timeNames)[number];

export interface OrderFigures {
  readonly sent: number;
  readonly lost: number;
  readonly repeated: number;
  readonly astray: number;
  readonly unfinished: number;
}

/** Orders to agents that wait. */
export interface OrderWave {
  readonly side: Side;
  readonly agents: number;
  readonly orders: OrderFigures;
  readonly latency: Spread | undefined;
  readonly failures: Readonly<Record<string, number>>;
}

/** A plan whose window opens for all agents at once. Seconds after it opened. */
export interface DueRun {
  readonly side: Side;
  readonly agents: number;
  readonly windowSeconds: number;
  readonly arrivals: number;
  readonly early: number;
  readonly late: number;
  readonly histogram: readonly Bar[];
  /** How much later than planned each order was with its agent: ms. */
  readonly lateness: Spread | undefined;
  readonly orders: OrderFigures;
  readonly failures: Readonly<Record<string, number>>;
}
