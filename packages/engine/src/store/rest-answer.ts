import { EngineError } from "../errors/engine-error.ts";

/** The statuses that the protocol gives a meaning of its own. */
export const status = {
  ok: 200,
  partialContent: 206,
  badRequest: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  methodNotAllowed: 405,
  contentTooLarge: 413,
  rangeNotSatisfiable: 416,
  notImplemented: 501,
  insufficientStorage: 507,
} as const;

/** The error for an upload that was refused. Servers answer 400 to bytes that don't hash to their name. */
export function errorOfUpload(code: number, action: string): EngineError {
  if (code !== status.badRequest) return errorOfStatus(code, action);
  return new EngineError(
    "corrupt-data",
    `${action}: the server answered ${code}: other bytes reached it than were named`,
  );
}

/**
 * The error that an answer of the server means. `action` opens the message: `Storing config in rest:https://…`. Bodies of such answers are
 * not read: nothing in them can be relied on.
 */
export function errorOfStatus(code: number, action: string): EngineError {
  const message = `${action}: the server answered ${code}`;
  switch (code) {
    case status.unauthorized:
      return new EngineError("store-denied", message, { hint: "Check the user name and the password, or the token." });
    case status.forbidden:
      return new EngineError("store-denied", message, {
        hint: "The credential may not do this here; an append-only server lets nobody delete.",
      });
    case status.notFound:
      return new EngineError("not-found", message);
    case status.methodNotAllowed:
    case status.notImplemented:
      return new EngineError("unsupported", message, { hint: "Is this the address of a restic REST server?" });
    case status.contentTooLarge:
      return new EngineError("store-denied", message, {
        hint: "A proxy before the server limits how large an upload may be: raise its limit to 256 MiB.",
      });
    case status.insufficientStorage:
      return new EngineError("store-full", message, { hint: "Free space there, or raise the quota." });
    default:
      return new EngineError("store-unavailable", message);
  }
}
