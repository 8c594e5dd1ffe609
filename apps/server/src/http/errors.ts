import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { errorCode } from "../server-error.ts";
import { allowedMethods, type KnownRoute } from "./known-routes.ts";
import { isProblemStatus, problemBody, ProblemError, type ProblemFields, problemMediaType } from "./problem.ts";

/** Makes every error of `app` an answer in `application/problem+json`, and lets none tell what only the log may know. */
export function answerErrorsAsProblems(app: FastifyInstance, routes: readonly KnownRoute[]): void {
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const answer = toProblem(error, request);
    if (answer.status >= 500) request.log.error({ err: error }, "request failed");
    return await sendProblem(reply, answer);
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "/";
    const allowed = allowedMethods(routes, path);
    return await sendProblem(reply, allowed.length > 0 ? methodNotAllowed(request.method, allowed) : nothingHere());
  });
}

/** Answers with `error`. */
export async function sendProblem(reply: FastifyReply, error: ProblemError): Promise<FastifyReply> {
  return await reply
    .status(error.status)
    .headers(error.headers)
    .header("content-type", problemMediaType)
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problemBody(error));
}

function toProblem(error: FastifyError, request: FastifyRequest): ProblemError {
  if (error instanceof ProblemError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return invalidInput(error);
  if (isDatabaseAway(error)) {
    return new ProblemError(503, "The database doesn't answer. Try again soon.", { headers: { "retry-after": "5" } });
  }
  if (isImpossibleText(error))
    return new ProblemError(400, "A text in the request holds the character NUL, which no text may.");
  if (isRaceLost(error))
    return new ProblemError(
      409,
      "Something was made or changed at the same moment that this conflicts with. Look again, and decide anew.",
    );
  const status = error.statusCode ?? 500;
  // Fastify's own refusals: a body that is no JSON, too large or of another type. Their messages are made for the client.
  if (status < 500 && isProblemStatus(status)) return new ProblemError(status, error.message);
  return new ProblemError(
    500,
    `Something went wrong in the server. Its log says more under the request id ${request.id}.`,
  );
}

function invalidInput(error: Parameters<typeof hasZodFastifySchemaValidationErrors>[0]): ProblemError {
  const { validation, validationContext } = error as Pick<FastifyError, "validation" | "validationContext">;
  const fields: NonNullable<ProblemFields> = (validation ?? []).map(({ instancePath, message }) => ({
    // RFC 6901 names the whole document by the empty pointer.
    pointer: instancePath === "/" ? "" : instancePath,
    message: message ?? "is not valid",
  }));
  const place = { body: "body", querystring: "query", params: "path", headers: "headers" }[validationContext ?? "body"];
  const list = fields.map(({ pointer, message }) => `${pointer || "the whole"}: ${message}`).join("; ");
  return new ProblemError(400, `The request's ${place ?? "input"} is not as it must be. ${list}`, { fields });
}

/** Node's and PostgreSQL's words for a server that is stopped, starting, full or unreachable (PostgreSQL manual, appendix A, classes 08, 53, 57). */
function isDatabaseAway(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined)
    return /^(ECONNREFUSED|ECONNRESET|ENOENT|ENOTFOUND|ETIMEDOUT|EPIPE|08...|53[13]00|57P0[1-5])$/.test(code);
  return (
    error instanceof Error && /^(Connection terminated|timeout exceeded when trying to connect)/.test(error.message)
  );
}

/** PostgreSQL stores every character but one (manual, appendix A: 22021 for text, 22P05 for JSON). */
function isImpossibleText(error: unknown): boolean {
  const code = errorCode(error);
  return code === "22021" || code === "22P05";
}

/** Two requests that did what only one may (manual, appendix A: 23505, a unique index; 40001 and 40P01, transactions in each other's way). */
function isRaceLost(error: unknown): boolean {
  return ["23505", "40001", "40P01"].includes(errorCode(error) ?? "");
}

function methodNotAllowed(method: string, allowed: readonly string[]): ProblemError {
  const list = allowed.join(", ");
  return new ProblemError(405, `${method} does nothing here. What works: ${list}.`, { headers: { allow: list } });
}

function nothingHere(): ProblemError {
  return new ProblemError(404, "There is nothing at this address. The addresses are listed at /docs.");
}
