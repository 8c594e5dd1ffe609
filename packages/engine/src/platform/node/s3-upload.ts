import { Readable } from "node:stream";
import type { PutObjectCommand } from "@aws-sdk/client-s3";
import { type Paced, pacedPieces } from "../../store/pace.ts";

const contentHashHeader = "x-amz-content-sha256";

/**
 * Signs an upload with the SHA-256 of its content (hex), which we know: the SDK would hash all of it once more.
 */
export function signWithContentHash(command: PutObjectCommand, sha256: string): void {
  command.middlewareStack.add(
    (next) => async (args) => {
      if (hasHeaders(args.request)) args.request.headers[contentHashHeader] = sha256;
      return await next(args);
    },
    { step: "build", name: "signWithContentHash" },
  );
}

/**
 * Lets the body of an upload out at the pace. The SDK sees the bytes until they are signed and maybe sent again elsewhere; the stream
 * that holds them up is put in their place last of all, anew for each request.
 */
export function sendAtPace(command: PutObjectCommand, bytes: Uint8Array, paced: Paced): void {
  if (paced.pace === undefined || bytes.length === 0) return;
  command.middlewareStack.add(
    (next) => async (args) => {
      // The signal ends the request itself, so an error in its body tells nothing more; unheard, it would end the process.
      const body = Readable.from(pacedPieces(bytes, bytes.length, paced), { objectMode: false }).on(
        "error",
        () => undefined,
      );
      try {
        return await next({ ...args, request: withBody(args.request, body) });
      } finally {
        body.destroy();
      }
    },
    { step: "deserialize", name: "sendAtPace", priority: "high" },
  );
}

function withBody(request: unknown, body: Readable): unknown {
  // Each kind of request is a class of its own, whose methods later steps use.
  return Object.assign(Object.create(Object.getPrototypeOf(request) as object) as object, request, { body });
}

function hasHeaders(request: unknown): request is { readonly headers: Record<string, string> } {
  return typeof request === "object" && request !== null && "headers" in request;
}
