import type { IndexedPack } from "../../blob-index/blob-index.ts";
import { EngineError } from "../../errors/engine-error.ts";
import type { ReadDataSubset } from "./check-request.ts";

/** A group is told by the first byte of the pack's id, so there can't be more. */
const groupsMax = 256;
const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Understands `n/t`, `x%` and a size such as `500M` (restic manual, "--read-data-subset"). */
export function parseReadDataSubset(text: string): ReadDataSubset {
  const group = /^(\d+)\/(\d+)$/.exec(text);
  if (group) {
    const [n, t] = [Number(group[1]), Number(group[2])];
    if (n >= 1 && n <= t && t <= groupsMax) return { kind: "group", n, t };
  }
  const percent = Number(/^(\d+(?:\.\d+)?)%$/.exec(text)?.[1] ?? Number.NaN);
  if (percent > 0 && percent <= 100) return { kind: "percent", percent };
  const size = /^(\d+)([kmgt]?)$/i.exec(text);
  const bytes = Number(size?.[1] ?? 0) * (unitBytes[size?.[2]?.toLowerCase() ?? ""] ?? 0);
  if (bytes > 0) return { kind: "bytes", bytes };
  throw new EngineError("invalid-input", `Not a part of the data to read: ${JSON.stringify(text)}`, {
    hint: "Give n/t with 1 ≤ n ≤ t ≤ 256, a percentage such as 2.5%, or a size such as 500M.",
  });
}

/** The packs to read. A share or a size takes whole packs, at least one, in a random order. */
export function selectPacks<Pack extends Pick<IndexedPack, "pack" | "sizeBytes">>(
  packs: readonly Pack[],
  subset: "all" | ReadDataSubset,
  randomBytes: (lengthBytes: number) => Uint8Array,
): readonly Pack[] {
  if (subset === "all") return packs;
  switch (subset.kind) {
    case "group":
      return packs.filter(({ pack }) => Number.parseInt(pack.slice(0, 2), 16) % subset.t === subset.n - 1);
    case "percent":
      return shuffled(packs, randomBytes).slice(0, Math.max(1, Math.round((packs.length * subset.percent) / 100)));
    case "bytes": {
      let left = subset.bytes;
      const selected: Pack[] = [];
      for (const pack of shuffled(packs, randomBytes)) {
        if (selected.length > 0 && pack.sizeBytes > left) continue;
        selected.push(pack);
        left -= pack.sizeBytes;
      }
      return selected;
    }
  }
}

function shuffled<Item>(items: readonly Item[], randomBytes: (lengthBytes: number) => Uint8Array): Item[] {
  const keyed = items.map((item) => ({ item, key: randomBytes(8).toHex() }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ item }) => item);
}
