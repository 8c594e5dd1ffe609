import { setTimeout as delay } from "node:timers/promises";
import { DemoError } from "./screen.ts";

/** The server's API as an administrator uses it. */
export interface Api {
  get(path: string): Promise<Record<string, unknown>>;
  post(path: string, body: unknown): Promise<Record<string, unknown>>;
  /** Asks again and again until `isDone` says so. */
  poll(path: string, isDone: (answer: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
}

const pollMs = 200;

export function apiOf(baseUrl: string, key: string, signal: AbortSignal): Api {
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok)
      throw new DemoError(`${method} ${path} was answered with ${response.status}: ${String(answer["detail"])}`);
    return answer;
  };
  return {
    get: (path) => call("GET", path),
    post: (path, body) => call("POST", path, body),
    poll: async (path, isDone) => {
      for (;;) {
        const answer = await call("GET", path);
        if (isDone(answer)) return answer;
        await delay(pollMs, undefined, { signal });
      }
    },
  };
}
