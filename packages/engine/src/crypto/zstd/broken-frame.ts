import { EngineError } from "../../errors/engine-error.ts";

/** Throws `corrupt-data` unless `condition` holds; `rule` is the rule of RFC 8878 that the data breaks. */
export function mustHold(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new EngineError("corrupt-data", `Broken zstd data: ${rule}`);
}
