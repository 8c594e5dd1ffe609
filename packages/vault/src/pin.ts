import { isRecipient } from "./identity.ts";
import { type SignedStatement, verifyStatement } from "./statement.ts";
import { VaultError } from "./vault-error.ts";

/** A vault as a machine knows it for certain, whatever the server says. */
export interface VaultPin {
  readonly recipient: string;
  /** Of the vault's signatures, in hex. */
  readonly verifyKey: string;
  /** How many identities the vault has had. */
  readonly generation: number;
}

const grammar = /^saveos-vault:([1-9][0-9]{0,8}):(age1[02-9ac-hj-np-z]{58}):([0-9a-f]{64})$/;

/** A pin as one text, for a person to carry: `saveos-vault:1:age1…:…`. */
export function formatPin({ recipient, verifyKey, generation }: VaultPin): string {
  return `saveos-vault:${generation}:${recipient}:${verifyKey}`;
}

/** Reads what `formatPin` wrote. Rejects with `invalid-text`. */
export function parsePin(text: string): VaultPin {
  const [, generation = "", recipient = "", verifyKey = ""] = grammar.exec(text.trim()) ?? [];
  if (!isRecipient(recipient)) throw new VaultError("invalid-text", "This is no pin of a vault (saveos-vault:…)");
  return { recipient, verifyKey, generation: Number(generation) };
}

/**
 * Where a vault has moved since it was pinned: goes from the pin from one signed rotation to the next. `rotations` come from the server, in any order, and may
 * begin before the pin or be about nothing. Resolves with the pin itself if it has not moved. A rotation that is not signed as it should be leads nowhere.
 */
export function followRotations(pin: VaultPin, rotations: readonly SignedStatement[]): VaultPin {
  let at = pin;
  for (;;) {
    const next = nextOf(at, rotations);
    if (next === undefined) return at;
    at = next;
  }
}

/** Generations grow by one each step, so this ends. */
function nextOf(pin: VaultPin, rotations: readonly SignedStatement[]): VaultPin | undefined {
  for (const signed of rotations) {
    const next = moveIn(pin, signed);
    if (next !== undefined) return next;
  }
  return undefined;
}

function moveIn(pin: VaultPin, signed: SignedStatement): VaultPin | undefined {
  try {
    const statement = verifyStatement(pin, signed);
    if (statement.kind !== "rotation" || statement.generation !== pin.generation + 1) return undefined;
    return parsePin(
      formatPin({ recipient: statement.to, verifyKey: statement.to_verify_key, generation: statement.generation }),
    );
  } catch {
    return undefined;
  }
}
