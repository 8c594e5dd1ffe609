import { readFile } from "node:fs/promises";
import { type BandwidthWindow, grantHeader } from "@saveos/contract";
import type { EngineErrorCode, ObjectStore, Speed } from "@saveos/engine";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";
import type { World } from "../world.ts";
import type { MachineSecrets } from "../enrolment/machine-secrets.ts";
import type { RepositoryChoice } from "./find-repository.ts";
import { speedOfOrder, slowerOf } from "./speed-of-order.ts";

export interface StoreSettings {
  /** PEM file of the only authority to trust, for a named repository. An enrolled machine has its own. */
  readonly caFile: string | undefined;
  /** `-o name=value`. */
  readonly extended: ReadonlyMap<string, string>;
  readonly uploadBytesPerSecond: number | undefined;
  readonly downloadBytesPerSecond: number | undefined;
  /** Speeds by the time of the day, as `--limit-window` has them; outside of them the two above hold. */
  readonly limitWindow?: string | undefined;
  /** What an order allows at which time of the day; the limits above hold as well. */
  readonly bandwidth?: readonly BandwidthWindow[] | undefined;
  /** Shown to the machine's own server at each deletion. */
  readonly grant?: string | undefined;
  /** Told before a failed request is tried again; the message may name objects and addresses. */
  readonly onRetry: (message: string, retry: StoreRetry) => void;
}

export interface StoreRetry {
  readonly code: EngineErrorCode;
  readonly delaySeconds: number;
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
  } = choice.kind === "enrolled"
    ? await gatewayStore(choice, settings)
    : await namedStore(world, choice.location, settings);
  const { clock, random } = world;
  const { onRetry } = settings;
  const closing = new AbortController();
  const store = withRetry(withLimit(plain, { clock, ...limits }), {
    clock,
    closed: closing.signal,
    random,
    onRetry: ({ error, delayMs }) => {
      const delaySeconds = Math.ceil(delayMs / 1000);
      onRetry(`${error.message}; trying again in ${delaySeconds} s`, { code: error.code, delaySeconds });
    },
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
async function speedLimits(settings: StoreSettings): Promise<SpeedLimits> {
  const own = await ownLimits(settings);
  const { bandwidth = [] } = settings;
  if (bandwidth.length === 0) return own;
  return {
    uploadBytesPerSecond: slowerOf(own.uploadBytesPerSecond, await speedOfOrder(bandwidth, "upload")),
    downloadBytesPerSecond: slowerOf(own.downloadBytesPerSecond, await speedOfOrder(bandwidth, "download")),
  };
}

interface SpeedLimits {
  readonly uploadBytesPerSecond: Speed | undefined;
  readonly downloadBytesPerSecond: Speed | undefined;
}

/** Those of the command line. */
async function ownLimits({
  uploadBytesPerSecond,
  downloadBytesPerSecond,
  limitWindow,
}: StoreSettings): Promise<SpeedLimits> {
  if (limitWindow === undefined) return { uploadBytesPerSecond, downloadBytesPerSecond };
  const { parseSpeedWindows, speedByWindows } = await import("@saveos/engine");
  const windows = parseSpeedWindows(limitWindow);
  return {
    uploadBytesPerSecond: speedByWindows(windows, uploadBytesPerSecond),
    downloadBytesPerSecond: speedByWindows(windows, downloadBytesPerSecond),
  };
}

/** A repository behind the server that this machine is enrolled with: its own authority only, its own credential only. */
async function gatewayStore(
  { machine: { config, secrets }, repositoryPath = config.repositoryPath }: RepositoryChoice & { kind: "enrolled" },
  { grant }: Pick<StoreSettings, "grant">,
): Promise<ConnectedStore> {
  const [{ openStore }, { trustedFetch }] = await Promise.all([
    import("@saveos/engine/node"),
    import("../daemon/trusted-fetch.ts"),
  ]);
  const trusted = trustedFetch(config.certificateAuthority);
  const store = openStore(`rest:${config.serverUrl}${repositoryPath}`, {
    // Nothing of the environment: a credential in there is for another server.
    env: {},
    fetch: fetchWithCredential(trusted.fetch, secrets, grant),
    headers: { authorization: "replaced at each request" },
  });
  return { store, isRemote: true, [Symbol.asyncDispose]: () => trusted[Symbol.asyncDispose]() };
}

/**
 * A store may be open for days, and the credential be replaced meanwhile, by this process or by the daemon beside it: each request has the one in
 * force. Where the server refuses one that is no longer in force, the request fails as if the network had, so that it is made again. A job's grant goes with
 * its deletions only.
 */
export function fetchWithCredential(
  fetch: typeof globalThis.fetch,
  secrets: Pick<MachineSecrets, "credential" | "rereadCredential">,
  grant?: string,
): typeof globalThis.fetch {
  return async (url, init = {}) => {
    const headers = new Headers(init.headers);
    const { credential } = secrets;
    // The store leaves it out where a redirect leads to another host.
    if (headers.has("authorization")) {
      headers.set("authorization", `Bearer ${credential}`);
      if (grant !== undefined && init.method === "DELETE") headers.set(grantHeader, grant);
    }
    const response = await fetch(url, { ...init, headers: Object.fromEntries(headers) });
    if (response.status !== 401 || (await secrets.rereadCredential()) === credential) return response;
    await response.body?.cancel();
    throw new TypeError("the credential was replaced meanwhile");
  };
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
