import { readFile } from "node:fs/promises";
import { type Enrolment, enrolment, provisionResponse } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import { messageOf, systemErrorCode } from "../errors/system-error.ts";

/** Where the parts of an enrolment come from when there is no one file with all of them. */
export interface EnrolmentParts {
  readonly serverUrl: string;
  readonly caFile: string;
  readonly tokenFile: string;
}

/** An enrolment is some kilobytes. */
const enrolmentMaxBytes = 1024 * 1024;

/** Reads an enrolment file: the enrolment itself, or the whole answer of `POST /api/v1/agents/provision`. Rejects with `usage`. */
export async function readEnrolmentFile(file: string): Promise<Enrolment> {
  return parseEnrolment(await readText(file), file);
}

/** The same from standard input. */
export async function readEnrolmentStream(stream: AsyncIterable<Uint8Array>): Promise<Enrolment> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.length;
    if (sizeBytes > enrolmentMaxBytes)
      throw new AgentError("usage", "What came on standard input is too large for an enrolment.");
    chunks.push(chunk);
  }
  return parseEnrolment(Buffer.concat(chunks).toString("utf8"), "standard input");
}

export async function readEnrolmentParts({ serverUrl, caFile, tokenFile }: EnrolmentParts): Promise<Enrolment> {
  const parts = {
    server_url: serverUrl,
    certificate_authority: await readText(caFile),
    token: (await readText(tokenFile)).trim(),
  };
  return checked(parts, "The enrolment");
}

function parseEnrolment(text: string, origin: string): Enrolment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError("usage", `${origin} is not JSON.`, { cause, hint: expected });
  }
  const whole = provisionResponse.safeParse(value);
  return checked(whole.success ? whole.data.enrolment : value, origin);
}

function checked(value: unknown, origin: string): Enrolment {
  const parsed = enrolment.safeParse(value);
  if (!parsed.success)
    throw new AgentError("usage", `${origin} is no enrolment.`, { cause: parsed.error, hint: expected });
  const { server_url: url, certificate_authority: authority } = parsed.data;
  // The token would cross the network in the clear.
  if (!url.startsWith("https://"))
    throw new AgentError("usage", `The server's address ${url} does not begin with https://`);
  if (!authority.includes("-----BEGIN CERTIFICATE-----"))
    throw new AgentError("usage", `${origin} holds no certificate authority in PEM form.`, { hint: expected });
  return { ...parsed.data, server_url: url.replace(/\/+$/, "") };
}

const expected =
  "Give the file that an administrator got from the server for this machine (POST /api/v1/agents/provision).";

async function readText(file: string): Promise<string> {
  return await readFile(file, "utf8").catch((cause: unknown) => {
    throw new AgentError("usage", `Could not read ${file}: ${systemErrorCode(cause) ?? messageOf(cause)}`, { cause });
  });
}
