import { type Problem, problem } from "@saveos/contract";

export type ProblemFields = Problem["errors"];

/** An error that is an answer of the API (RFC 9457). `message` becomes its detail: what happened, to what, and what to do. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: keyof typeof titles;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fields: ProblemFields;

  constructor(
    status: keyof typeof titles,
    detail: string,
    options: { type?: string; headers?: Record<string, string>; fields?: ProblemFields; cause?: unknown } = {},
  ) {
    super(detail, options.cause === undefined ? {} : { cause: options.cause });
    this.status = status;
    this.type = options.type ?? "about:blank";
    this.headers = options.headers ?? {};
    this.fields = options.fields;
  }
}

/** The statuses that the API answers with when it can't do what was asked, with their names in HTTP (RFC 9110). */
export const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

export const problemMediaType = "application/problem+json";

export function isProblemStatus(status: number): status is keyof typeof titles {
  return status in titles;
}

/** The body of an error. */
export function problemBody(error: ProblemError): Problem {
  return problem.parse({
    type: error.type,
    title: titles[error.status],
    status: error.status,
    detail: error.message,
    ...(error.fields === undefined ? {} : { errors: error.fields }),
  });
}

/** There is no such thing, or not for the one who asks: the two are not told apart, so that nothing can be learned by asking. */
export function notFound(what: string): ProblemError {
  return new ProblemError(404, `There is no such ${what}.`);
}
