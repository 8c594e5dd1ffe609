import type { Primitives } from "../../crypto/primitives.ts";
import { nativePrimitives } from "./native-primitives.ts";
import { nodeCryptoPrimitives } from "./node-crypto-primitives.ts";

/** The format's algorithms in the fastest way that this Node has. Chosen when a thread loads this file; all ways give the same bytes. */
export const nodePrimitives: Primitives = nativePrimitives() ?? nodeCryptoPrimitives;
