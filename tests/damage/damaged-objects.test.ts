import { beforeAll, describe, expect, test } from "vitest";
import {
  type EngineError,
  findFiles,
  listFiles,
  listKeys,
  listSnapshots,
  loadIndex,
  lockRepository,
  memoryStore,
  type ObjectName,
  type ObjectStore,
  parsePatterns,
  type Repository,
  repositoryStats,
} from "@saveos/engine";
import { backUp, memorySource, testLock } from "@saveos/engine/testing";
import { clearError, clearOutcome } from "../support/clear-outcome.ts";
import { findings, openQuickly, restored, storeOf, unlockDead } from "../support/quick-engine.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import {
  blobsWithin,
  type DamageWorld,
  damageWorld,
  lossOf,
  type LostBlob,
  type SoundSnapshot,
  spared,
} from "./damage-world.ts";

const random = seeded();

let world: DamageWorld;
beforeAll(async () => (world = await damageWorld()));

/** One way to break an object; `undefined` instead of bytes is an object that is gone. */
interface Harm {
  readonly how: string;
  readonly bytes: Uint8Array | undefined;
  /** Which of the original bytes can't be read any more. */
  readonly start: number;
  readonly end: number;
}

const flipsOfEach = 6;
const cutsOfEach = 3;

describe(`with the seed ${random.seed}, an object that is damaged or missing`, () => {
  test("a pack costs exactly the files that need the damaged bytes, and check says which pack and where", async () => {
    for (const name of namesOf("data"))
      for (const harm of harms(name, random, headerOffsets(name))) {
        const store = await storeWith(name, harm);
        const lost = blobsWithin(world, idOf(name), harm.start, harm.end);
        await expectLossOf(store, lost, `${name} ${harm.how}`);
        await expectFound(store, name, lost, harm);
      }
  });

  test("a snapshot is said, and the other one is whole", async () => {
    for (const { snapshot } of world.snapshots)
      for (const harm of harms(`snapshots/${snapshot.id}`, random)) {
        const name = `snapshots/${snapshot.id}` as const;
        await tryEverything(await storeWith(name, harm));
        const repository = await openQuickly(await storeWith(name, harm));
        const unreadable: string[] = [];
        const listed = await listSnapshots(repository, {}, { onUnreadable: (id) => unreadable.push(id) });
        const others = world.snapshots.filter((other) => other.snapshot.id !== snapshot.id);
        expect(listed.map(({ id }) => id)).toEqual(others.map((other) => other.snapshot.id));
        expect(unreadable).toEqual(harm.bytes ? [snapshot.id] : []);
        for (const other of others) await expectRestored(repository, other, new Set());
        const error = await clearError(() => restored(repository, snapshot.id));
        expect(error.message).toContain(snapshot.id.slice(0, 8));
        if (harm.bytes) expect((await findings(repository)).map(({ object }) => object)).toEqual([name]);
      }
  });

  test("a config is said", async () => {
    for (const harm of harms("config", random)) {
      const error = await clearError(async () => await openQuickly(await storeWith("config", harm)));
      expect(error).toMatchObject(
        harm.bytes
          ? { code: "corrupt-data", message: expect.stringContaining("config") as string }
          : { code: "no-repository" },
      );
    }
  });

  test("a key file is said, and does not lock out the others", async () => {
    const [name] = namesOf("keys");
    for (const harm of harms(name ?? expect.unreachable(), random)) {
      const error = await clearError(async () => await openQuickly(await storeWith(name ?? "config", harm)));
      expect(error.code).toBe("wrong-password");
      if (harm.bytes) expect(error.hint).toContain(name);
    }
  });

  test("an index is said by name, and costs nothing: packs know themselves what is in them", async () => {
    for (const name of namesOf("index"))
      for (const harm of harms(name, random)) {
        await tryEverything(await storeWith(name, harm));
        const repository = await openQuickly(await storeWith(name, harm));
        const found = await findings(repository);
        if (!harm.bytes) {
          expect(found.length).toBeGreaterThan(0);
          continue;
        }
        expect(found).toContainEqual(expect.objectContaining({ severity: "error", object: name }));
        for (const { snapshot, files } of world.snapshots) {
          expect((await clearError(() => restored(repository, snapshot.id))).message).toContain(name);
          const said: string[] = [];
          const back = await restored(repository, snapshot.id, { onDamagedIndex: (id) => said.push(`index/${id}`) });
          expect([back.files, back.problems, said]).toEqual([files, [], [name]]);
        }
      }
  });

  test("a lock is said with what to do, and can be removed", async () => {
    const locked = await storeOf(world.objects);
    await using _held = await lockRepository(await openQuickly(locked), { ...testLock, exclusive: false });
    const lockName: ObjectName[] = [];
    for await (const { id } of locked.list("locks")) lockName.push(`locks/${id}`);
    const [name] = lockName;
    const bytes = await locked.get(name ?? "config");
    for (const harm of harmsOf(bytes, random)) {
      if (!harm.bytes) continue;
      const store = await storeOf(world.objects);
      await store.put(name ?? "config", harm.bytes);
      await tryEverything(store);
      // An empty lock is what a full disk leaves; it locks nothing.
      if (harm.bytes.length === 0) continue;
      const repository = await openQuickly(store);
      const error = await clearError(() => findings(repository));
      expect(error.message).toContain(name);
      expect(error.hint).toContain("unlock");
    }
  });

  test("bytes of one object under the name of another are said", async () => {
    const names = [...world.objects.keys()].filter((name) => name !== "config");
    for (const [i, name] of names.entries()) {
      const other = names[(i + 1 + random.below(names.length - 1)) % names.length] ?? name;
      const store = await storeWith(name, { how: "swapped", bytes: world.objects.get(other), start: 0, end: Infinity });
      await tryEverything(
        await storeWith(name, { how: "swapped", bytes: world.objects.get(other), start: 0, end: Infinity }),
      );
      if (name.startsWith("data/")) await expectLossOf(store, blobsWithin(world, idOf(name), 0, Infinity), name);
      if (!name.startsWith("keys/")) expect(await findings(await openQuickly(store))).not.toEqual([]);
    }
  });
});

/** Whatever is broken, every operation ends, and with words that a person understands. */
async function tryEverything(store: ObjectStore): Promise<void> {
  const outcome = await clearOutcome(() => openQuickly(store));
  if ("error" in outcome) return;
  const repository = outcome.value;
  await clearOutcome(() => findings(repository));
  await clearOutcome(() => listKeys(repository));
  const snapshots = world.snapshots.map(({ snapshot }) => snapshot);
  await clearOutcome(() => loadIndex(repository));
  for (const { snapshot } of world.snapshots) {
    await clearOutcome(() => drain(listFiles(repository, snapshot)));
    await clearOutcome(() => restored(repository, snapshot.id));
  }
  await clearOutcome(() => drain(findFiles(repository, { snapshots, patterns: parsePatterns(["*.jpg"]) })));
  for (const mode of ["restore-size", "raw-data"] as const)
    await clearOutcome(() => repositoryStats(repository, { mode, snapshots }));
  await clearOutcome(() => unlockDead(repository));
  await clearOutcome(() => backUp(repository, memorySource({ home: { "notes.txt": "new" } })));
}

async function drain(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count += 1;
  return count;
}

async function expectLossOf(store: ObjectStore, lost: ReadonlySet<LostBlob>, context: string): Promise<void> {
  const repository = await openQuickly(store);
  for (const sound of world.snapshots) await expectRestored(repository, sound, lost, context);
}

/** All that is not lost comes back whole, and all that is lost is reported; nothing comes back wrong. */
async function expectRestored(
  repository: Repository,
  sound: SoundSnapshot,
  lost: ReadonlySet<LostBlob>,
  context = "",
): Promise<void> {
  const loss = lossOf(sound, lost);
  if (loss.everything) {
    const error: EngineError = await clearError(() => restored(repository, sound.snapshot.id));
    expect(["corrupt-data", "not-found"]).toContain(error.code);
    return;
  }
  const { files, problems } = await restored(repository, sound.snapshot.id);
  const reported = [...new Set(problems.map(({ path }) => path))].toSorted();
  expect({ context, reported }).toEqual({ context, reported: loss.paths });
  expect({ context, files: spared(files, loss) }).toEqual({ context, files: spared(sound.files, loss) });
  // What could be saved of a damaged file is there, and looks unfinished.
  for (const path of loss.paths) if (files[path]?.startsWith("file")) expect(files[path]).toBe("file without metadata");
}

async function expectFound(
  store: ObjectStore,
  name: ObjectName,
  lost: ReadonlySet<LostBlob>,
  harm: Harm,
): Promise<void> {
  const errors = (await findings(await openQuickly(store))).filter(({ severity }) => severity === "error");
  const ofPack = errors.filter(({ object }) => object === name);
  expect({ harm: harm.how, ofPack: ofPack.length > 0 }).toEqual({ harm: harm.how, ofPack: true });
  if (!harm.bytes || harm.how.startsWith("cut")) return;
  for (const blob of lost) {
    const id = blob.slice("data/".length, "data/".length + 8);
    const said = ofPack.filter(({ message }) => message.includes(id) && /bytes \d+ to \d+/.test(message));
    expect({ harm: harm.how, blob, said: said.length }).toEqual({ harm: harm.how, blob, said: 1 });
  }
}

async function storeWith(name: ObjectName, { bytes }: Harm): Promise<ObjectStore> {
  const store = memoryStore();
  for (const [other, sound] of world.objects) if (other !== name) await store.put(other, sound);
  if (bytes) await store.put(name, bytes);
  return store;
}

function namesOf(kind: "data" | "index" | "keys"): ObjectName[] {
  return [...world.objects.keys()].filter((name) => name.startsWith(`${kind}/`));
}

function idOf(name: ObjectName): string {
  return name.slice(name.indexOf("/") + 1);
}

/** The first and last bytes of a pack's header, and those of its length. */
function headerOffsets(name: ObjectName): number[] {
  const bytes = bytesOf(name);
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(bytes.length - 4, true);
  const start = bytes.length - 4 - headerBytes;
  return [start, start + 16, bytes.length - 20, ...[4, 3, 2, 1].map((fromEnd) => bytes.length - fromEnd)];
}

function harms(name: ObjectName, seededRandom: Seeded, also: readonly number[] = []): Harm[] {
  return harmsOf(bytesOf(name), seededRandom, also);
}

function harmsOf(bytes: Uint8Array, seededRandom: Seeded, also: readonly number[] = []): Harm[] {
  const { length } = bytes;
  const below = (end: number) => seededRandom.below(end);
  const offsets = [0, 15, 16, length - 1, ...also, ...Array.from({ length: flipsOfEach }, () => below(length))];
  const cuts = [0, 1, length - 1, length - 4, ...Array.from({ length: cutsOfEach }, () => below(length))];
  return [
    ...offsets.map((offset) => flip(bytes, offset, 1 << below(8))),
    ...cuts.map((end) => ({ how: `cut to ${end} bytes`, bytes: bytes.slice(0, end), start: end, end: length })),
    { how: "one byte more", bytes: Uint8Array.from([...bytes, 0]), start: length, end: length },
    { how: "all zeros", bytes: new Uint8Array(length), start: 0, end: length },
    { how: "gone", bytes: undefined, start: 0, end: length },
  ];
}

function flip(bytes: Uint8Array, offset: number, bit: number): Harm {
  const flipped = bytes.slice();
  flipped[offset] = (flipped[offset] ?? 0) ^ bit;
  return { how: `bit ${bit} of byte ${offset} flipped`, bytes: flipped, start: offset, end: offset + 1 };
}

function bytesOf(name: ObjectName): Uint8Array {
  return world.objects.get(name) ?? expect.unreachable(`there is ${name}`);
}
