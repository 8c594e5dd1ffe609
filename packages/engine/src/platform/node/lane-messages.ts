import { EngineError, type EngineErrorCode } from "../../errors/engine-error.ts";
import { InvariantError } from "../../errors/invariant.ts";
import type { Lane, PackedChunks } from "../../compute/lane.ts";
import type { PackToCheck } from "../../compute/sound-pack.ts";
import type { StorablePack } from "../../pack/storable-pack.ts";

/** `close` ends the thread instead. */
type LaneMethod = Exclude<keyof Lane, "close">;

/** One call of a lane's method, posted to its thread. */
export interface LaneCall {
  readonly method: LaneMethod;
  readonly args: readonly unknown[];
}

/*
 * Packs are handed over between threads instead of copied, since the sender has no use for them any more. Nothing else is: other arrays, such as keys,
 * stay with their owner.
 */

/** The memory that goes with a call. */
export function buffersOfCall({ method, args }: LaneCall): ArrayBuffer[] {
  if (method === "checkPack") return bufferOf((args[0] as PackToCheck).content);
  return method === "giveBack" ? args.flatMap(bufferOf) : [];
}

/** The memory that goes with what a call gives. */
export function buffersOfResult(method: LaneMethod, value: unknown): ArrayBuffer[] {
  if (method === "finishPack") return bufferOf((value as StorablePack | undefined)?.content);
  return method === "pack" ? (value as PackedChunks).packs.flatMap(({ content }) => bufferOf(content)) : [];
}

/** None of a pack that is in a file. */
function bufferOf(bytes: unknown): ArrayBuffer[] {
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
}

/** An error as it can be posted: what crosses threads loses its class otherwise. */
export interface PostedError {
  readonly kind: "engine" | "invariant" | "other";
  readonly message: string;
  readonly code?: EngineErrorCode;
  readonly hint?: string | undefined;
  readonly systemCode?: string | undefined;
}

export function postedError(error: unknown): PostedError {
  if (error instanceof EngineError) {
    const { code, message, hint, systemCode } = error;
    return { kind: "engine", code, message, hint, systemCode };
  }
  if (error instanceof InvariantError) return { kind: "invariant", message: error.message };
  return { kind: "other", message: error instanceof Error ? error.message : String(error) };
}

export function errorOf(posted: PostedError): Error {
  const { kind, message, code, hint, systemCode } = posted;
  if (kind === "engine" && code !== undefined) return new EngineError(code, message, { hint, systemCode });
  return new InvariantError(message);
}
