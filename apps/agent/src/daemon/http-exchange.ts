import { problem, problemType } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import { explainFetchFailure } from "./trusted-fetch.ts";

export interface Exchange {
  readonly fetch: typeof globalThis.fetch;
  /** Without a slash at its end. */
  readonly serverUrl: string;
  /** Asked at each request, because it is replaced now and then; undefined before enrolment. */
  readonly credential: (() => string) | undefined;
}

export interface JsonRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the server's URL, with a slash at its start. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  /** How long the answer may take. */
  readonly timeoutMs: number;
}

/** Far more than any answer of the API: one that is larger comes from something else. */
const answerMaxBytes = 16 * 1024 * 1024;

/**
 * One request to the server's API and its JSON answer; undefined for an answer without a body. Rejects with the caller's reason if its signal
 * aborts, else with an `AgentError` that says what the server said.
 */
export async function exchangeJson({ fetch, serverUrl, credential }: Exchange, request: JsonRequest): Promise<unknown> {
  const { method, path, body, signal, timeoutMs } = request;
  try {
    const response = await fetch(`${serverUrl}${path}`, {
      method,
      redirect: "error",
      headers: {
        accept: "application/json, application/problem+json",
        ...(credential === undefined ? {} : { authorization: `Bearer ${credential()}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    const text = await boundedText(response);
    if (!response.ok) throw refusalOf(response.status, text, serverUrl);
    return text === "" ? undefined : parseJson(text, serverUrl);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof AgentError ? error : await explainFetchFailure(error, serverUrl);
  }
}

/** Parses an answer at the door. `parse` is a schema of the contract. */
export function parseAnswer<Answer>(
  schema: { safeParse(value: unknown): { success: true; data: Answer } | { success: false; error: Error } },
  value: unknown,
  serverUrl: string,
): Answer {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AgentError(
    "server-refused",
    `The server at ${serverUrl} gave an answer that this version does not understand`,
    {
      cause: parsed.error,
      hint: "The server and this agent may be of different versions: update the older one.",
    },
  );
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.length;
    if (sizeBytes > answerMaxBytes)
      throw new AgentError("server-refused", "The server's answer is too large to be one");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string, serverUrl: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AgentError("server-refused", `What answers at ${serverUrl} is not a SaveOS server`, {
      cause,
      hint: "Check the address and the port.",
    });
  }
}

/** Statuses with which a server or a proxy says "not now". */
const unavailableStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);

function refusalOf(status: number, text: string, serverUrl: string): AgentError {
  const said = problem.safeParse(jsonOrUndefined(text));
  const detail = said.success ? said.data.detail : `The server at ${serverUrl} answered ${status}`;
  if (said.success && said.data.type === problemType.identityConflict)
    return new AgentError("identity-conflict", detail, {
      hint: "Two machines must not share one credential: enrol the copy anew. This happens when a machine is cloned.",
    });
  if (said.success && said.data.type === problemType.enrolmentRefused)
    return new AgentError("enrolment-refused", detail, {
      hint: "A token works once and expires: ask an administrator for a new enrolment.",
    });
  if (unavailableStatuses.has(status))
    return new AgentError("server-unavailable", detail, { hint: "It may work again later." });
  if (status === 401 || status === 403)
    return new AgentError("credential-refused", detail, {
      hint: "The server does not accept this machine's credential: it may have been revoked. An administrator can enrol it again.",
    });
  return new AgentError("server-refused", detail);
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
