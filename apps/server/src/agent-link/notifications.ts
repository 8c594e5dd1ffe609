import { Client } from "pg";
import { connectionConfig, type DatabaseAddress } from "../database/client.ts";
import { errorText } from "../server-error.ts";

/** What other processes say through PostgreSQL (`NOTIFY`), heard on a connection of its own that is made anew whenever it breaks. */
export interface Notifications extends AsyncDisposable {
  /** Calls `listener` with the payload of every notification on the channel. */
  on(channel: Channel, listener: (payload: string) => void): void;
  /** Calls `listener` when the connection is back: some notifications may have been missed. */
  onReconnected(listener: () => void): void;
}

/** The channels there are. `LISTEN` takes no parameters, so their names are ours and fixed. */
const channels = ["saveos_agent", "saveos_event"] as const;

export type Channel = (typeof channels)[number];

/** A database that is gone is asked for again this often: soon enough for a restart, seldom enough for a long outage. */
const reconnectMs = 1000;

interface Options {
  readonly address: DatabaseAddress;
  readonly log: { warn(details: object, message: string): void };
}

/** Connects, and rejects if that fails the first time. */
export async function openNotifications({ address, log }: Options): Promise<Notifications> {
  const listeners = new Map<string, ((payload: string) => void)[]>();
  const reconnectListeners: (() => void)[] = [];
  let client: Client;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  const connect = async () => {
    const next = new Client({ ...connectionConfig(address, "saveos_app"), keepAlive: true });
    next.on("notification", ({ channel, payload }) => {
      for (const listener of listeners.get(channel) ?? []) listener(payload ?? "");
    });
    next.on("error", () => {});
    await next.connect();
    next.once("end", reconnectLater);
    for (const channel of channels) await next.query(`listen ${channel}`);
    client = next;
  };

  const reconnectLater = () => {
    if (isClosed) return;
    clearTimeout(timer);
    timer = setTimeout(() => void reconnect(), reconnectMs);
  };

  const reconnect = async () => {
    try {
      await connect();
      if (isClosed) await client.end();
      else for (const listener of reconnectListeners) listener();
    } catch (error) {
      log.warn({ reason: errorText(error) }, "the database is away: waiting agents get their orders late");
      reconnectLater();
    }
  };

  await connect();
  return {
    on: (channel, listener) => void listeners.set(channel, [...(listeners.get(channel) ?? []), listener]),
    onReconnected: (listener) => void reconnectListeners.push(listener),
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      clearTimeout(timer);
      await client.end().catch(() => {});
    },
  };
}
