import type { EngineError } from "@saveos/engine";
import type { Printer } from "./printer.ts";

/** What commands that only read do about damaged parts: say so and go on, since what the others hold can still be read. */
export function aroundDamage(print: Printer) {
  return {
    onUnreadable: (_id: string, error: EngineError): void => void print.warn(`${error.message}. It is passed over.`),
    onDamagedIndex: (_id: string, error: EngineError): void =>
      void print.warn(`${error.message}. The packs are asked themselves what they hold, which takes longer.`),
  };
}
