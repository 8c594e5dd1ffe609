import { portablePrimitives } from "@saveos/engine";
import { type GoldenResult, goldenResults } from "./golden-vectors.ts";

/** The page's whole program; `golden-vectors.test.ts` awaits `goldenResults` from outside. */
declare global {
  var goldenResults: Promise<GoldenResult[]>;
}

globalThis.goldenResults = goldenResults(portablePrimitives, new URL(import.meta.url).origin);
