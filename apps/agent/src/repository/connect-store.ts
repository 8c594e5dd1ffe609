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
  const { withLimit, withRetry } = await import("@saveos/engine");
  const {
    store: plain,
    isRemote,
    [Symbol.asyncDispose]: dispose,
  } = choice.kind === "enrolled" ? await gatewayStore(choice) : await namedStore(world, choice.location, settings);
  const { clock, random } = world;
  const { uploadBytesPerSecond, downloadBytesPerSecond, onRetry } = settings;
  const limited =
    uploadBytesPerSecond === undefined && downloadBytesPerSecond === undefined
      ? plain
      : withLimit(plain, { clock, uploadBytesPerSecond, downloadBytesPerSecond });
  const store = withRetry(limited, {
    clock,
    random,
    onRetry: ({ error, delayMs }) => onRetry(`${error.message}; trying again in ${Math.ceil(delayMs / 1000)} s`),
  });
  return { store, isRemote, [Symbol.asyncDispose]: dispose };
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
    fetch: await finalIfUntrusted(trusted.fetch),
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
  const trusted =
    certificateAuthority === undefined
      ? undefined
      : (await import("../daemon/trusted-fetch.ts")).trustedFetch(certificateAuthority);
  const region = extended.get("s3.region");
  const store = openStore(location, {
    env: region === undefined ? world.env : { ...world.env, AWS_DEFAULT_REGION: region },
    certificateAuthority,
    ...(trusted === undefined ? {} : { fetch: await finalIfUntrusted(trusted.fetch) }),
  });
  return {
    store,
    isRemote: /^(rest|s3):/.test(location),
    [Symbol.asyncDispose]: async () => await trusted?.[Symbol.asyncDispose](),
  };
}

/** The same `fetch`; a server that can't prove who it is ends the work at once: `withRetry` would ask it for a quarter of an hour. */
async function finalIfUntrusted(fetch: typeof globalThis.fetch): Promise<typeof globalThis.fetch> {
  const [{ EngineError }, { explainFetchFailure, isUntrusted }] = await Promise.all([
    import("@saveos/engine"),
    import("../daemon/trusted-fetch.ts"),
  ]);
  return async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (error) {
      if (!isUntrusted(error)) throw error;
      const address = input instanceof Request ? input.url : String(input);
      const { message, hint } = explainFetchFailure(error, new URL(address).origin);
      throw new EngineError("store-denied", message, { cause: error, ...(hint === undefined ? {} : { hint }) });
    }
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
