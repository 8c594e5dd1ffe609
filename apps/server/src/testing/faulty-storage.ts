import type { ObjectName } from "../object-store/object-name.ts";
import type { ObjectStorage } from "../object-store/index.ts";

/** What goes wrong: an error for the objects that it concerns. */
export interface Faults {
  get?: (repositoryId: string, object: ObjectName) => Error | undefined;
  health?: () => Error | undefined;
}

/** A storage that works, but for its faults, which the test may change at any time. Remembers what was read. */
export function faultyStorage(
  storage: ObjectStorage,
): ObjectStorage & { readonly faults: Faults; readonly reads: string[] } {
  const faults: Faults = {};
  const reads: string[] = [];
  return {
    faults,
    reads,
    label: storage.label,
    createRepository: storage.createRepository.bind(storage),
    put: storage.put.bind(storage),
    get: async (repositoryId, object, range) => {
      reads.push(object.name);
      const error = faults.get?.(repositoryId, object);
      if (error !== undefined) throw error;
      return await storage.get(repositoryId, object, range);
    },
    stat: storage.stat.bind(storage),
    list: storage.list.bind(storage),
    delete: storage.delete.bind(storage),
    removeAbandonedUploads: storage.removeAbandonedUploads.bind(storage),
    health: async () => {
      const error = faults.health?.();
      if (error !== undefined) throw error;
      await storage.health();
    },
  };
}
