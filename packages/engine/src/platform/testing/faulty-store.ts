import { EngineError } from "../../errors/engine-error.ts";
import type { ObjectName } from "../../format/object-name.ts";
import type { ByteRange, ObjectStore } from "../../store/object-store.ts";

export type StoreCall = "create" | "put" | "get" | "size" | "list" | "delete";

/** What goes wrong, and when. All counts start at 1 and are of this store's life. */
export interface Faults {
  /** The network dies after so many puts: every later put and delete fails, before it has an effect. */
  readonly failAfterPuts?: number;
  /** The process dies after so many puts and deletes together: every later call of any kind fails, before it has an effect. */
  readonly failAfterWrites?: number;
  readonly failures?: readonly Failure[];
  readonly damages?: readonly Damage[];
  /** Awaited before each call has its effect: a test holds the promise to decide the order of things. */
  readonly delay?: (call: StoreCall, name: string) => Promise<void> | undefined;
}

/** One call that fails. */
export interface Failure {
  readonly call: StoreCall;
  /** Which of the calls of this kind. */
  readonly nth: number;
  /** How many in a row; 1 unless told. */
  readonly times?: number;
  /** `after`: the call has its effect, and only the answer is lost. */
  readonly when?: "before" | "after";
  /** `store-unavailable` unless told. */
  readonly error?: EngineError;
}

/** An object whose bytes come out wrong. */
export interface Damage {
  readonly name: ObjectName | ((name: ObjectName) => boolean);
  /** The last byte missing, or one bit of the byte at `offset` (0 unless told) changed. */
  readonly how: "truncate" | "flip";
  readonly offset?: number;
  /** How many reads are so, from the first; all unless told. */
  readonly times?: number;
}

/** What a faulty store has been asked so far. */
export interface FaultyStore extends ObjectStore {
  readonly calls: Readonly<Record<StoreCall, number>>;
}

/** The same store, with failures at chosen calls and damage in chosen objects: for tests that try every place where things can break. */
export function faultyStore(store: ObjectStore, faults: Faults = {}): FaultyStore {
  const calls: Record<StoreCall, number> = { create: 0, put: 0, get: 0, size: 0, list: 0, delete: 0 };
  const readsOfDamaged = new Map<Damage, number>();

  async function run<Result>(call: StoreCall, name: string, effect: () => Promise<Result>): Promise<Result> {
    const nth = ++calls[call];
    await faults.delay?.(call, name);
    if (isDead(call)) throw planned(call, nth, name);
    const failure = faults.failures?.find((candidate) => hits(candidate, call, nth));
    if (failure !== undefined && failure.when !== "after") throw failure.error ?? planned(call, nth, name);
    const result = await effect();
    if (failure !== undefined) throw failure.error ?? planned(call, nth, name);
    return result;
  }

  function isDead(call: StoreCall): boolean {
    const { failAfterPuts = Infinity, failAfterWrites = Infinity } = faults;
    const isWrite = call === "put" || call === "delete";
    return (isWrite && calls.put > failAfterPuts) || calls.put + calls.delete > failAfterWrites;
  }

  function damageOf(name: ObjectName): Damage | undefined {
    const damage = faults.damages?.find(({ name: which }) =>
      typeof which === "string" ? which === name : which(name),
    );
    if (damage === undefined) return undefined;
    const reads = (readsOfDamaged.get(damage) ?? 0) + 1;
    readsOfDamaged.set(damage, reads);
    return reads > (damage.times ?? Infinity) ? undefined : damage;
  }

  return {
    label: `faulty ${store.label}`,
    calls,
    create: (options) => run("create", "", () => store.create(options)),
    put: (name, bytes, options) => run("put", name, () => store.put(name, bytes, options)),
    get: (name, options) =>
      run("get", name, async () => {
        const damage = damageOf(name);
        if (damage === undefined) return await store.get(name, options);
        return damaged(await store.get(name, { signal: options?.signal }), damage, options?.range, name);
      }),
    size: (name, options) => run("size", name, () => store.size(name, options)),
    async *list(kind, options) {
      await run("list", kind, async () => undefined);
      yield* store.list(kind, options);
    },
    delete: (name, options) => run("delete", name, () => store.delete(name, options)),
  };
}

function hits({ call, nth, times = 1 }: Failure, made: StoreCall, madeNth: number): boolean {
  return call === made && madeNth >= nth && madeNth < nth + times;
}

function planned(call: StoreCall, nth: number, name: string): EngineError {
  return new EngineError("store-unavailable", `store-unavailable: planned failure of ${call} ${nth} (${name})`);
}

function damaged(bytes: Uint8Array, damage: Damage, range: ByteRange | undefined, name: ObjectName): Uint8Array {
  const whole = damage.how === "truncate" ? bytes.slice(0, -1) : flipped(bytes, damage.offset ?? 0);
  if (range === undefined) return whole;
  if (range.end > whole.length) throw new EngineError("corrupt-data", `${name} is too short`);
  return whole.slice(range.start, range.end);
}

function flipped(bytes: Uint8Array, offset: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = (copy[offset] ?? 0) ^ 1;
  return copy;
}
