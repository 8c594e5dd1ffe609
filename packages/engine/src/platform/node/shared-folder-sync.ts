import { syncFolder } from "./write-durably.ts";

/**
 * `syncFolder` for many changes at once: all that ask while one sync runs share the next. Each is answered by a sync that began after it asked, so what it
 * changed before is on the disk then. `sync` is for tests.
 */
export function sharedFolderSync(sync: (path: string) => Promise<void> = syncFolder): (path: string) => Promise<void> {
  const running = new Map<string, Promise<void>>();
  const waiting = new Map<string, Promise<void>>();

  async function next(path: string): Promise<void> {
    // Its failure is told to those that asked for it.
    await running.get(path)?.catch(() => undefined);
    waiting.delete(path);
    const current = sync(path);
    running.set(path, current);
    try {
      await current;
    } finally {
      if (running.get(path) === current) running.delete(path);
    }
  }

  return async (path) => {
    let shared = waiting.get(path);
    if (!shared) waiting.set(path, (shared = next(path)));
    await shared;
  };
}
