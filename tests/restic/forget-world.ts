import {
  formatTime,
  type GroupBy,
  type KeepCount,
  parseCalendarSpan,
  periods,
  type Policy,
  type Repository,
  type SnapshotFilter,
} from "@saveos/engine";
import { Forger } from "@saveos/engine/testing";
import type { Seeded } from "../support/seeded.ts";

const nsPerSecond = 1_000_000_000n;
const hour = 3600;
const day = 24 * hour;
const year = 365 * day;

export const hosts = ["alpha", "beta"];
export const paths = ["/etc", "/home", "/srv/a,b"];
export const tags = ["daily", "keep", "x"];

/** Stores this many snapshots without files, of times in bursts and gaps over years, a few from the future, with hosts, paths and tags at random. */
export async function makeRandomSnapshots(
  repository: Repository,
  count: number,
  random: Seeded,
  nowNs: bigint,
): Promise<void> {
  const forger = new Forger(repository);
  const tree = forger.addTree([]);
  await forger.store();
  const now = Number(nowNs / nsPerSecond);
  const used = new Set<number>();
  let at = now - random.below(2 * year);
  for (let made = 0; made < count; made++) {
    at = random.below(40) === 0 ? now + random.below(20 * year) : at - pick(random, [60, hour, day, 20 * day, year]);
    if (at < now - 20 * year) at = now - random.below(3 * year);
    // No two of one moment: restic takes those in no order.
    while (used.has(at)) at += 1;
    used.add(at);
    await forger.snapshot(tree, {
      time: formatTime(BigInt(at) * nsPerSecond + BigInt(random.below(1_000_000_000)), () => offset(random)),
      hostname: of(random, hosts),
      paths: some(random, paths, 1),
      tags: some(random, tags, 0),
    });
  }
}

function pick(random: Seeded, upTo: readonly number[]): number {
  return random.below(of(random, upTo)) + 1;
}

/** Whole zones, half ones, and those of the poles of the date line, in seconds. */
function offset(random: Seeded): number {
  return of(random, [0, 0, hour, hour, 2 * hour, 5.5 * hour, -3.5 * hour, -5 * hour, 14 * hour, -12 * hour]);
}

function of<Item>(random: Seeded, items: readonly Item[]): Item {
  return items[random.below(items.length)] as Item;
}

function some<Item>(random: Seeded, items: readonly Item[], atLeast: number): Item[] {
  const chosen = items.filter(() => random.below(3) === 0);
  return chosen.length < atLeast ? [of(random, items)] : chosen;
}

/** The same wish twice: for the engine, and in restic's options. */
export interface RandomForget {
  readonly policy: Policy;
  readonly groupBy: GroupBy;
  readonly filter: SnapshotFilter;
  readonly args: readonly string[];
}

export function randomForget(random: Seeded): RandomForget {
  const args: string[] = [];
  const add = (option: string, value: string) => args.push(`--${option}=${value}`);
  const rarely = () => random.below(4) === 0;

  const count = (name: string): KeepCount | undefined => {
    if (!rarely()) return undefined;
    const value = random.below(12) === 0 ? "unlimited" : random.below(of(random, [3, 10, 40]));
    add(`keep-${name}`, String(value));
    return value;
  };
  const span = (name: string) => {
    if (random.below(7) > 0) return undefined;
    const text = `${random.below(3)}y${random.below(of(random, [3, 15]))}m${random.below(40)}d${random.below(30)}h`;
    add(name, text);
    return parseCalendarSpan(text);
  };
  const policy: Policy = {
    last: count("last"),
    counts: Object.fromEntries(periods.map((period) => [period, count(period)])),
    within: span("keep-within"),
    periodsWithin: Object.fromEntries(periods.map((period) => [period, span(`keep-within-${period}`)])),
    tagLists: rarely() ? [random.below(4) === 0 ? [""] : some(random, tags, 1)] : [],
  };
  for (const list of policy.tagLists ?? []) add("keep-tag", list.join(","));

  const groupBy = { host: random.below(3) > 0, paths: random.below(3) > 0, tags: rarely() };
  add(
    "group-by",
    Object.entries(groupBy)
      .flatMap(([mark, isOn]) => (isOn ? [mark] : []))
      .join(","),
  );

  const filter = {
    hosts: rarely() ? some(random, hosts, 1) : [],
    tagLists: rarely() ? [some(random, tags, 1)] : [],
    paths: rarely() ? some(random, paths, 1) : [],
  };
  for (const host of filter.hosts) add("host", host);
  for (const list of filter.tagLists) add("tag", list.join(","));
  for (const path of filter.paths) add("path", path);
  return { policy, groupBy, filter, args };
}
