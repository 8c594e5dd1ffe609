import type { ObjectName } from "../object-store/object-name.ts";
import type { ObjectStorage } from "../object-store/index.ts";

/** A storage that works, but that some objects can't be read, as the test says at any time. */
export interface FaultyReads {
  readonly objects: ObjectStorage;
  /** What reading an object fails with, if it does. */
  fails: (repositoryId: string, object: ObjectName) => Error | undefined;
  /** The names of all that was read. */
  readonly reads: string[];
}

export function faultyReads(inner: ObjectStorage): FaultyReads {
  const get: ObjectStorage["get"] = async (repositoryId, object, range) => {
    faulty.reads.push(object.name);
    const error = faulty.fails(repositoryId, object);
    if (error !== undefined) throw error;
    return await inner.get(repositoryId, object, range);
  };
  const objects = new Proxy(inner, {
    get: (target, name) => {
      if (name === "get") return get;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const faulty: FaultyReads = { objects, fails: () => undefined, reads: [] };
  return faulty;
}
