import { readFile } from "node:fs/promises";
import {
  type LockedIdentityResponse,
  lockedIdentityResponse,
  type Passphrase,
  passphraseList,
  type SealedPasswordOf,
  sealedPasswordList,
  type Vault,
  vault,
} from "@saveos/contract";
import type { ObjectStore } from "@saveos/engine";
import { exchangeJson, type JsonRequest, parseAnswer } from "../../daemon/http-exchange.ts";
import { trustedFetch } from "../../daemon/trusted-fetch.ts";
import { homeOf } from "../../enrolment/enrolled-machine.ts";
import { AgentError, isAgentError } from "../../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../../errors/system-error.ts";
import { readConfig } from "../../host/config-file.ts";
import { passwordFromFile } from "../../repository/find-password.ts";
import type { Invocation } from "../command-line.ts";

/** Where the vault is, and who asks. */
export interface ServerOptions {
  readonly server?: string;
  readonly apiKeyFile?: string;
}

/** A person waits for this. */
const answerTimeoutMs = 30_000;
const sealedPasswordsAtOnce = 500;

/** The server that keeps a tenant's vault, as an administrator sees it. */
export class VaultServer implements AsyncDisposable {
  readonly url: string;
  readonly #apiKey: string;
  readonly #signal: AbortSignal;
  readonly #trusted: ReturnType<typeof trustedFetch>;

  private constructor(url: string, authority: string | undefined, apiKey: string, signal: AbortSignal) {
    this.url = url;
    this.#apiKey = apiKey;
    this.#signal = signal;
    this.#trusted = trustedFetch(authority);
  }

  /** From the command line and the environment; the address and the authority from this machine's enrolment if they are not given. Rejects with `usage`. */
  static async find({ world, global, options }: Invocation<ServerOptions>): Promise<VaultServer> {
    const config = await readConfig(homeOf(world, global).configFile);
    const url = options.server?.replace(/\/+$/, "") ?? config?.serverUrl;
    if (url === undefined)
      throw new AgentError("usage", "No server was named.", { hint: "Name it with --server https://…" });
    // The API key would cross the network in the clear.
    if (!url.startsWith("https://"))
      throw new AgentError("usage", `The server's address ${url} does not begin with https://`);
    const authority = global.caFile === undefined ? config?.certificateAuthority : await readAuthority(global.caFile);
    return new VaultServer(url, authority, await findApiKey(world.env, options), world.signal);
  }

  async vault(): Promise<Vault> {
    return parseAnswer(vault, await this.ask({ method: "GET", path: "/api/v1/vault" }), this.url);
  }

  async passphrases(): Promise<Passphrase[]> {
    const answer = await this.ask({ method: "GET", path: "/api/v1/vault/passphrases" });
    return parseAnswer(passphraseList, answer, this.url).passphrases;
  }

  async lockedIdentity(passphraseId: string): Promise<LockedIdentityResponse> {
    const answer = await this.ask({ method: "GET", path: `/api/v1/vault/passphrases/${passphraseId}` });
    return parseAnswer(lockedIdentityResponse, answer, this.url);
  }

  /** Of one repository, or of all. */
  async sealedPasswords(repositoryId?: string): Promise<SealedPasswordOf[]> {
    const found: SealedPasswordOf[] = [];
    const filter = repositoryId === undefined ? "" : `&repository_id=${repositoryId}`;
    for (let cursor: string | null = ""; cursor !== null;) {
      const after: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const path = `/api/v1/vault/sealed-passwords?limit=${sealedPasswordsAtOnce}${filter}${after}`;
      const page = parseAnswer(sealedPasswordList, await this.ask({ method: "GET", path }), this.url);
      found.push(...page.sealed_passwords);
      cursor = page.next_cursor;
    }
    return found;
  }

  /** The objects of a repository, as the administrator's key reads them. */
  async store(repositoryId: string): Promise<ObjectStore> {
    const { restStore } = await import("@saveos/engine");
    return restStore({
      url: `${this.url}/restic/${repositoryId}/`,
      fetch: this.#trusted.fetch,
      headers: { authorization: `Bearer ${this.#apiKey}` },
      streamUploads: true,
    });
  }

  async ask(request: Pick<JsonRequest, "method" | "path" | "body">): Promise<unknown> {
    const exchange = { fetch: this.#trusted.fetch, serverUrl: this.url, credential: () => this.#apiKey };
    try {
      return await exchangeJson(exchange, { ...request, signal: this.#signal, timeoutMs: answerTimeoutMs });
    } catch (error) {
      if (!isAgentError(error, "credential-refused")) throw error;
      throw new AgentError("credential-refused", error.message, {
        cause: error,
        hint: "Opening the vault needs the API key of an administrator, changing it that of an owner.",
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trusted[Symbol.asyncDispose]();
  }
}

async function findApiKey(env: Readonly<Record<string, string | undefined>>, { apiKeyFile }: ServerOptions) {
  if (apiKeyFile !== undefined) return await passwordFromFile(apiKeyFile);
  if (env["SAVEOS_API_KEY"]) return env["SAVEOS_API_KEY"];
  throw new AgentError("usage", "No API key was given.", {
    hint: "Give it with --api-key-file FILE, or in SAVEOS_API_KEY. Other users of this machine could see it on the command line.",
  });
}

async function readAuthority(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError("usage", `Could not read ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`, { cause });
  });
}
