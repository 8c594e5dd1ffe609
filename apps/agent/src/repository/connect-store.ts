import { readFile } from "node:fs/promises";
import type { ObjectStore } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import { repositoryUrl } from "../host/config-file.ts";
import type { World } from "../world.ts";
import type { RepositoryChoice } from "./find-repository.ts";

export interface StoreSettings {
  /** PEM file of the only authority to trust, for a named repository. An enrolled machine has its own. */
  readonly caFile: string | undefined;
  /** `-o name=value`. */
  readonly extended: ReadonlyMap<string, string>;
  readonly uploadBytesPerSecond: number | undefined;
  readonly downloadBytesPerSecond: number | undefined;
  /** Speeds by the time of the day, as `--limit-window` has them; outside of them the two above hold. */
  readonly limitWindow?: string | undefined;
  /** Told before a failed request is tried again. */
  readonly onRetry: (message: string) => void;
}

export interface ConnectedStore extends AsyncDisposable {
  readonly store: ObjectStore;
  /** False for a folder on this machine: a cache would only be a second copy. */
  readonly isRemote: boolean;
}

/** The store of a repository, patient with a network that fails now and then, and no faster than allowed. */
export async function connectStore(
  world: World,
  choice: RepositoryChoice,
  settings: StoreSettings,
): Promise<ConnectedStore> {
  const { EngineError, withLimit, withRetry } = await import("@saveos/engine");
  const limits = await speedLimits(settings);
  const {
    store: plain,
    isRemote,
    [Symbol.asyncDispose]: dispose,
  } = choice.kind === "enrolled" ? await gatewayStore(choice) : await namedStore(world, choice.location, settings);
  const { clock, random } = world;
  const { onRetry } = settings;
  const closing = new AbortController();
  const store = withRetry(withLimit(plain, { clock, ...limits }), {
    clock,
    closed: closing.signal,
    random,
    onRetry: ({ error, delayMs }) => onRetry(`${error.message}; trying again in ${Math.ceil(delayMs / 1000)} s`),
  });
  return {
    store,
    isRemote,
    [Symbol.asyncDispose]: async () => {
      closing.abort(new EngineError("store-unavailable", `The connection to ${store.label} was closed`));
      await dispose();
    },
  };
}

/** The limits in force. Throws the engine's `invalid-input` for windows that make no sense. */
async function speedLimits({ uploadBytesPerSecond, downloadBytesPerSecond, limitWindow }: StoreSettings) {
  if (limitWindow === undefined) return { uploadBytesPerSecond, downloadBytesPerSecond };
  const { parseSpeedWindows, speedByWindows } = await import("@saveos/engine");
  const windows = parseSpeedWindows(limitWindow);
  return {
    uploadBytesPerSecond: speedByWindows(windows, uploadBytesPerSecond),
    downloadBytesPerSecond: speedByWindows(windows, downloadBytesPerSecond),
  };
}

/** The repository behind the server that this machine is enrolled with: its own authority only, its own credential only. */
async function gatewayStore({ machine }: RepositoryChoice & { kind: "enrolled" }): Promise<ConnectedStore> {
  const [{ openStore }, { trustedFetch }] = await Promise.all([
    import("@saveos/engine/node"),
    import("../daemon/trusted-fetch.ts"),
  ]);
  const trusted = trustedFetch(machine.config.certificateAuthority);
  const store = openStore(`rest:${repositoryUrl(machine.config)}`, {
    // Nothing of the environment: a credential in there is for another server.
    env: {},
    fetch: trusted.fetch,
    headers: { authorization: `Bearer ${machine.credential}` },
  });
  return { store, isRemote: true, [Symbol.asyncDispose]: () => trusted[Symbol.asyncDispose]() };
}

async function namedStore(
  world: World,
  location: string,
  { caFile, extended }: StoreSettings,
): Promise<ConnectedStore> {
  const { openStore } = await import("@saveos/engine/node");
  const certificateAuthority = caFile === undefined ? undefined : await readAuthority(caFile);
  const trusted = location.startsWith("rest:")
    ? (await import("../daemon/trusted-fetch.ts")).trustedFetch(certificateAuthority)
    : undefined;
  const region = extended.get("s3.region");
  const store = openStore(location, {
    env: region === undefined ? world.env : { ...world.env, AWS_DEFAULT_REGION: region },
    certificateAuthority,
    ...(trusted === undefined ? {} : { fetch: trusted.fetch }),
  });
  return {
    store,
    isRemote: /^(rest|s3):/.test(location),
    [Symbol.asyncDispose]: async () => await trusted?.[Symbol.asyncDispose](),
  };
}

async function readAuthority(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError(
      "usage",
      `Could not read the certificate authority ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`,
      { cause },
    );
  });
  if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  throw new AgentError("usage", `${file} holds no certificate in PEM form.`);
}
