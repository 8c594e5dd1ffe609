import type { ObjectId } from "../../format/ids.ts";
import type { CheckResult, Finding } from "./check-request.ts";

/** Collects and counts findings. Its callbacks are bound, so they can be handed on. */
export class CheckReport {
  readonly #onFinding: ((finding: Finding) => void) | undefined;
  readonly #brokenPacks = new Set<ObjectId>();
  #errors = 0;
  #hints = 0;
  #suggestRepairIndex = false;
  #suggestPrune = false;

  constructor(onFinding: ((finding: Finding) => void) | undefined) {
    this.#onFinding = onFinding;
  }

  error(object: string, message: string): void {
    this.#errors += 1;
    this.#onFinding?.({ severity: "error", object, message });
  }

  hint(object: string, message: string): void {
    this.#hints += 1;
    this.#onFinding?.({ severity: "hint", object, message });
  }

  readonly unreadableSnapshot = (id: ObjectId, error: Error): void => this.error(`snapshots/${id}`, error.message);

  brokenPack(id: ObjectId, message: string): void {
    this.#brokenPacks.add(id);
    this.error(`data/${id}`, message);
  }

  suggestRepairIndex(): void {
    this.#suggestRepairIndex = true;
  }

  suggestPrune(): void {
    this.#suggestPrune = true;
  }

  result(): CheckResult {
    return {
      errors: this.#errors,
      hints: this.#hints,
      brokenPacks: [...this.#brokenPacks],
      suggestRepairIndex: this.#suggestRepairIndex,
      suggestPrune: this.#suggestPrune,
    };
  }
}
