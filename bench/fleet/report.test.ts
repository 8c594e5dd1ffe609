import { expect, test } from "vitest";
import { markdownOf, terminalLines } from "./render.ts";
import { sectionsOf } from "./report.ts";
import type { FleetResults, FleetRun } from "./results.ts";
import type { UsageWindow } from "./usage-window.ts";

function windowOf(agents: number, seconds = 60): UsageWindow {
  const usage = (cpuMs: number, bytes: number) => ({ cpuMs, peakBytes: bytes, meanBytes: bytes });
  return {
    seconds,
    server: usage(agents * 6, 200e6 + agents * 50_000),
    postgres: usage(agents * 3, 100e6),
    load: usage(agents, 1e6),
  };
}

function run(agents: number): FleetRun {
  const spread = { count: 4, p50: 1.23, p95: 20, p99: 99.6, max: 200 };
  return {
    side: "tls",
    agents,
    ordersPerSecond: agents / 500,
    emptyBytes: 200e6,
    entries: undefined,
    arrival: windowOf(agents),
    idle: windowOf(agents),
    load: windowOf(agents),
    times: { heartbeat: spread, order: spread, report: spread, list: spread, "order to agent": spread },
    orders: { sent: 10, lost: 0, repeated: 1, astray: 0, unfinished: 0 },
    failures: { "report: 503": 2 },
  };
}

function results(...runs: FleetRun[]): FleetResults {
  return {
    startedAt: "2026-01-31T08:00:00.000Z",
    machine: { cpu: "Some", cores: 2, memoryBytes: 2 ** 34, system: "Linux", node: "26.0.0" },
    versions: { saveos: "0.1.0", postgres: "18" },
    seconds: 120,
    enrolments: [{ machines: 1000, seconds: 4, slowedDown: 0 }],
    runs,
    waves: [],
    dues: [],
  };
}

const rowOf = (all: FleetResults, title: string) =>
  sectionsOf(all)
    .flatMap(({ rows }) => rows)
    .find(([name]) => name?.startsWith(title));

test("the cost of an agent is without what the server takes without any", () => {
  const all = results(run(1000), run(10_000));
  expect(rowOf(all, "server's memory by agent")).toEqual(["server's memory by agent, KB", "50", "50"]);
  expect(rowOf(all, "both, agents wait")?.slice(1)).toEqual(["9.0", "9.0"]);
});

test("what a hundred thousand agents would need is computed from the line, with how far it misses", () => {
  const all = results(run(1000), run(3000), run(10_000));
  expect(rowOf(all, "server's memory, MB")?.slice(1)).toEqual(["200", "50", "0 %", "5200"]);
  expect(sectionsOf(all).flatMap(({ notes }) => notes)[0]).toContain("200 orders a second would need 17 API processes");
});

test("of one size no line is drawn", () => {
  expect(sectionsOf(results(run(1000))).some(({ title }) => title.startsWith("The curve"))).toBe(false);
});

test("what went wrong is told", () => {
  expect(rowOf(results(run(1000)), "lost")?.[1]).toBe("0, 1, 0, 0");
  expect(rowOf(results(run(1000)), "failed")?.[1]).toBe("2 × report: 503");
});

test("the same tables go to the page and to the terminal", () => {
  const sections = sectionsOf(results(run(1000)));
  expect(markdownOf("Measured.", sections)).toContain("| order given | 1.2 / 20 / 100 / 200 |");
  expect(terminalLines(sections, (_format, text) => text).some((line) => line.startsWith("order given "))).toBe(true);
});
