import type { FastifyReply } from "fastify";
import { STATUS_CODES } from "node:http";
import type { Problem } from "@saveos/contract";
import {
  type ObjectStorageError,
  type ObjectStorageErrorCode,
  isObjectStorageError,
} from "../object-store/object-storage-error.ts";

/** An answer that says no. restic's clients go by the status alone; the detail is for people. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 411 | 413 | 416 | 503 | 507;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function sendRefusal(reply: FastifyReply, { status, detail, headers = {} }: Refusal): Promise<void> {
  const problem: Problem = { type: "about:blank", title: STATUS_CODES[status] ?? "", status, detail };
  await reply.code(status).headers(headers).type("application/problem+json").send(JSON.stringify(problem));
}

/** How a failure of the storage is told to a client; `undefined` for any other error. */
export function refusalFor(error: unknown): Refusal | undefined {
  return isObjectStorageError(error) ? storageRefusals[error.code](error) : undefined;
}

const nothingWasKept = (error: ObjectStorageError): Refusal => ({
  status: 400,
  detail: `${error.message}: nothing was kept.`,
});

/** What exactly failed is the administrator's business and in the log. */
const outOfOrder = (): Refusal => ({ status: 503, detail: "The server's storage can't be used at the moment." });

const storageRefusals: Readonly<Record<ObjectStorageErrorCode, (error: ObjectStorageError) => Refusal>> = {
  "not-found": (error) => ({ status: 404, detail: `${error.message}.` }),
  "wrong-hash": nothingWasKept,
  "wrong-length": nothingWasKept,
  "bad-range": (error) => badRange(error.objectSizeBytes),
  full: () => ({ status: 507, detail: "The server has no space left for objects: nothing was kept." }),
  denied: outOfOrder,
  unavailable: outOfOrder,
};

export function badRange(objectSizeBytes: number | undefined): Refusal {
  const size = objectSizeBytes ?? "*";
  return { status: 416, detail: `The object has ${size} bytes.`, headers: { "content-range": `bytes */${size}` } };
}
