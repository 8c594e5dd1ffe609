import { ObjectStorageError } from "../object-store/object-storage-error.ts";
import type { ObjectStorage } from "../object-store/object-storage.ts";

/** The calls that change what is stored, besides uploads. */
const moving = ["delete", "quarantine", "bringBack", "purge"] as const;

/** An object storage that is cut off at a chosen call, as by a kill: before it did anything, or after it was done and before anybody learned of it. */
export interface FaultyObjects {
  readonly objects: ObjectStorage;
  /** From now on: fails at the n-th call that moves or deletes something, counted from 1, and at all that follow. */
  failAt(nth: number, when: "before" | "after"): void;
  heal(): void;
}

export function faultyObjects(inner: ObjectStorage): FaultyObjects {
  let left = Infinity;
  let when: "before" | "after" = "before";
  const cutOff = () => new ObjectStorageError("unavailable", "The storage was cut off");
  const faulty = new Proxy(inner, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (!(moving as readonly PropertyKey[]).includes(name)) return value.bind(target) as unknown;
      return async (...args: unknown[]) => {
        left -= 1;
        if (left < 0 || (left === 0 && when === "before")) throw cutOff();
        const result: unknown = await Reflect.apply(value, target, args);
        if (left === 0) throw cutOff();
        return result;
      };
    },
  });
  return {
    objects: faulty,
    failAt: (nth, at) => {
      [left, when] = [nth, at];
    },
    heal: () => {
      left = Infinity;
    },
  };
}
