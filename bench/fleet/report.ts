import { machineText } from "../results/machine.ts";
import type { Spread } from "./percentiles.ts";
import {
  type DueRun,
  type FleetResults,
  type FleetRun,
  type OrderFigures,
  type OrderWave,
  type Side,
  timeNames,
} from "./results.ts";
import { fitLine, type StraightLine, valueAt } from "./straight-line.ts";
import type { UsageWindow, WindowUsage } from "./usage-window.ts";

/** A part of the report: a table, and sentences below it. */
export interface Section {
  readonly title: string;
  /** The first column names the row. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

const sideTitles: Record<Side, string> = {
  tls: "the server ends TLS",
  proxied: "plain HTTP, as behind a proxy that ends TLS",
};

/** The size that is computed and not measured. */
const extrapolatedAgents = 100_000;

/** A process that is busier answers late whenever requests come together. */
const busyShareMax = 0.6;

export function introduction({ startedAt, machine, versions, seconds }: FleetResults): string {
  return (
    `Measured on ${startedAt.slice(0, 10)}: ${machineText(machine)}, shared by the server, its embedded PostgreSQL ${versions.postgres} and the load. ` +
    `SaveOS ${versions.saveos}. Each fleet waits for ${seconds / 2} s and works for ${seconds} s.`
  );
}

export function sectionsOf(results: FleetResults): Section[] {
  const sides = (["tls", "proxied"] as const).filter((side) => results.runs.some((run) => run.side === side));
  return [
    ...sides.flatMap((side) => sideSections(results.runs.filter((run) => run.side === side))),
    ...results.waves.map(waveSection),
    ...results.dues.map(dueSection),
    ...(results.enrolments.length === 0 ? [] : [enrolmentSection(results)]),
  ];
}

function sideSections(runs: readonly FleetRun[]): Section[] {
  const side = runs[0]?.side ?? "tls";
  return [costSection(side, runs), timeSection(side, runs), ...lineSection(side, runs)];
}

function costSection(side: Side, runs: readonly FleetRun[]): Section {
  const row = (title: string, cell: (run: FleetRun) => string) => [title, ...runs.map(cell)];
  return {
    title: `What a fleet costs: ${sideTitles[side]}`,
    head: ["agents", ...runs.map(({ agents }) => agents.toLocaleString("en"))],
    rows: [
      row("server without agents, MB", ({ emptyBytes }) => megabytes(emptyBytes)),
      row("server, agents wait, MB", ({ idle }) => megabytes(idle.server.meanBytes)),
      row("server, at work, at most, MB", (run) => megabytes(peakOf(run, "server"))),
      row("PostgreSQL, at most, MB", (run) => megabytes(peakOf(run, "postgres"))),
      row("server's memory by agent, KB", (run) =>
        figure((peakOf(run, "server") - run.emptyBytes) / run.agents / 1000),
      ),
      row("server, agents wait, % of a core", ({ idle }) => percent(idle, "server")),
      row("PostgreSQL, agents wait, % of a core", ({ idle }) => percent(idle, "postgres")),
      row("server, at work, % of a core", ({ load }) => percent(load, "server")),
      row("PostgreSQL, at work, % of a core", ({ load }) => percent(load, "postgres")),
      row("load itself, at work, % of a core", ({ load }) => percent(load, "load")),
      row("both, agents wait, CPU ms by agent and minute", (run) => figure(cpuByAgentAndMinute(run, "idle"))),
      row("both, at work, CPU ms by agent and minute", (run) => figure(cpuByAgentAndMinute(run, "load"))),
      row("arrival of all within a minute, server's CPU ms by agent", ({ arrival, agents }) =>
        figure(arrival.server.cpuMs / agents),
      ),
    ],
    notes: [],
  };
}

function timeSection(side: Side, runs: readonly FleetRun[]): Section {
  const columns = (cells: (run: FleetRun) => Spread | undefined) => runs.map((run) => spreadText(cells(run)));
  return {
    title: `How long one waits, ms: p50 / p95 / p99 / max: ${sideTitles[side]}`,
    head: ["agents", ...runs.map(({ agents }) => agents.toLocaleString("en"))],
    rows: [
      ...timeNames.map((name) => [timeTitles[name], ...columns(({ times }) => times[name])]),
      ["first heartbeat, connection included", ...columns(({ entries }) => entries)],
      ["orders a second", ...runs.map(({ ordersPerSecond }) => String(ordersPerSecond))],
      ["orders sent", ...runs.map(({ orders }) => String(orders.sent))],
      ["lost, repeated, astray, unfinished", ...runs.map(({ orders }) => troubleText(orders))],
      ["failed requests", ...runs.map(({ failures }) => failuresText(failures))],
    ],
    notes: [],
  };
}

const timeTitles: Record<(typeof timeNames)[number], string> = {
  heartbeat: "heartbeat, beyond its wait",
  order: "order given",
  report: "report",
  list: "list looked at",
  "order to agent": "order given → with its agent",
};

function lineSection(side: Side, runs: readonly FleetRun[]): Section[] {
  const line = (title: string, unit: string, value: (run: FleetRun) => number) => {
    const fitted = fitLine(runs.map((run) => ({ x: run.agents, y: value(run) })));
    return fitted === undefined ? [] : [{ title, unit, fitted }];
  };
  const cores = ({ cpuMs }: WindowUsage, { seconds }: UsageWindow) => cpuMs / seconds / 1000;
  const memory = line("server's memory", "MB", (run) => peakOf(run, "server") / 1e6);
  const postgresMemory = line("PostgreSQL's memory", "MB", (run) => peakOf(run, "postgres") / 1e6);
  const waiting = line("server, agents wait", "cores", ({ idle }) => cores(idle.server, idle));
  const postgresWaiting = line("PostgreSQL, agents wait", "cores", ({ idle }) => cores(idle.postgres, idle));
  const working = line("server, at work", "cores", ({ load }) => cores(load.server, load));
  const postgresWorking = line("PostgreSQL, at work", "cores", ({ load }) => cores(load.postgres, load));
  const all = [memory, postgresMemory, waiting, postgresWaiting, working, postgresWorking].flat();
  if (all.length === 0) return [];
  const at = (lines: readonly { fitted: StraightLine }[]) =>
    lines[0] === undefined ? Number.NaN : valueAt(lines[0].fitted, extrapolatedAgents);
  const processes = Math.ceil(at(working) / busyShareMax);
  return [
    {
      title: `The curve: ${sideTitles[side]}`,
      head: ["", "base", "by 1,000 agents", "worst miss", "at 100,000, computed"],
      rows: all.map(({ title, unit, fitted }) => [
        `${title}, ${unit}`,
        figure(fitted.base),
        figure(fitted.slope * 1000),
        `${Math.round(fitted.worstMiss * 100)} %`,
        figure(valueAt(fitted, extrapolatedAgents)),
      ]),
      notes: [
        `From these lines, 100,000 agents that get ${(extrapolatedAgents / (runs[0]?.agents ?? 1)) * (runs[0]?.ordersPerSecond ?? 0)} orders a second would need ` +
          `${processes} API processes (none busier than ${busyShareMax * 100} % of a core), some ${figure(at(memory) / 1000)} GB of memory for their connections, ` +
          `and a PostgreSQL of its own with ${Math.ceil(at(postgresWorking) / busyShareMax)} cores.`,
      ],
    },
  ];
}

function waveSection({ side, agents, orders, latency, failures }: OrderWave): Section {
  return {
    title: `Orders to ${agents.toLocaleString("en")} agents that wait: ${sideTitles[side]}`,
    head: [
      "orders",
      "given → with its agent, ms: p50 / p95 / p99 / max",
      "lost, repeated, astray, unfinished",
      "failed requests",
    ],
    rows: [[String(orders.sent), spreadText(latency), troubleText(orders), failuresText(failures)]],
    notes: [],
  };
}

function dueSection(due: DueRun): Section {
  const { side, agents, windowSeconds, arrivals, early, late, lateness, orders, failures } = due;
  return {
    title: `${agents.toLocaleString("en")} agents due at one minute: ${sideTitles[side]}`,
    head: ["seconds after the window opened", ...due.histogram.map(({ from }) => `${from}`)],
    rows: [["orders that came", ...due.histogram.map(({ count }) => String(count))]],
    notes: [
      `${arrivals} orders came within a window of ${windowSeconds} s; ${early} before it, ${late} after it. ` +
        `Each by so much later than planned, ms: ${spreadText(lateness)} (p50 / p95 / p99 / max). ` +
        `Lost, repeated, astray, unfinished: ${troubleText(orders)}. Failed requests: ${failuresText(failures)}.`,
    ],
  };
}

function enrolmentSection({ enrolments }: FleetResults): Section {
  return {
    title: "Enrolment through the API",
    head: ["machines", "seconds", "by second", "told to come later"],
    rows: enrolments.map(({ machines, seconds, slowedDown }) => [
      machines.toLocaleString("en"),
      figure(seconds),
      figure(machines / seconds),
      String(slowedDown),
    ]),
    notes: [],
  };
}

type Who = "server" | "postgres" | "load";

function peakOf({ arrival, idle, load }: FleetRun, who: Who): number {
  return Math.max(...[arrival, idle, load].map((window) => window[who].peakBytes));
}

function percent(window: UsageWindow, who: Who): string {
  return figure(window[who].cpuMs / window.seconds / 10);
}

function cpuByAgentAndMinute({ agents, ...windows }: FleetRun, which: "idle" | "load"): number {
  const { server, postgres, seconds } = windows[which];
  return ((server.cpuMs + postgres.cpuMs) * 60) / seconds / agents;
}

function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return "–";
  return [spread.p50, spread.p95, spread.p99, spread.max].map(figure).join(" / ");
}

function troubleText({ lost, repeated, astray, unfinished }: OrderFigures): string {
  return [lost, repeated, astray, unfinished].join(", ");
}

function failuresText(failures: Readonly<Record<string, number>>): string {
  const all = Object.entries(failures);
  return all.length === 0 ? "none" : all.map(([what, count]) => `${count} × ${what}`).join("; ");
}

function megabytes(bytes: number): string {
  return String(Math.round(bytes / 1e6));
}

/** Two digits that mean something, and no more than a measurement has. */
function figure(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 10 ? 0 : size >= 1 ? 1 : 2);
}
