import { EngineError } from "../errors/engine-error.ts";
import type { ObjectName } from "../format/object-name.ts";
import { cutRange } from "./byte-range.ts";
import { idFromFileName } from "./layout.ts";
import type { ObjectStore } from "./object-store.ts";
import { sameBytes } from "./same-bytes.ts";

/** A store in this process's memory: for tests, and for repositories that are only tried. Keeps and hands out copies. */
export function memoryStore(): ObjectStore {
  const label = "memory";
  const objects = new Map<ObjectName, Uint8Array>();

  function find(name: ObjectName): Uint8Array {
    const bytes = objects.get(name);
    if (bytes === undefined) throw new EngineError("not-found", `There is no ${name} in ${label}`);
    return bytes;
  }

  return {
    label,
    async create({ signal } = {}) {
      signal?.throwIfAborted();
    },
    async put(name, bytes, { signal } = {}) {
      signal?.throwIfAborted();
      const present = name === "config" ? objects.get(name) : undefined;
      if (present !== undefined && !sameBytes(present, bytes)) {
        throw new EngineError("already-exists", `There is already a repository in ${label}`);
      }
      objects.set(name, bytes.slice());
    },
    async get(name, { signal, range } = {}) {
      signal?.throwIfAborted();
      return cutRange(find(name), range, `${name} in ${label}`);
    },
    async size(name, { signal } = {}) {
      signal?.throwIfAborted();
      return find(name).length;
    },
    async *list(kind, { signal } = {}) {
      signal?.throwIfAborted();
      for (const [name, bytes] of objects) {
        signal?.throwIfAborted();
        const id = name.startsWith(`${kind}/`) ? idFromFileName(name.slice(kind.length + 1)) : undefined;
        if (id !== undefined) yield { id, sizeBytes: bytes.length };
      }
    },
    async delete(name, { signal } = {}) {
      signal?.throwIfAborted();
      objects.delete(name);
    },
  };
}
