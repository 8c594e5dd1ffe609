import type { VaultForAgents } from "@saveos/contract";
import { followRotations, type VaultPin, verifyStatement } from "@saveos/vault";
import { type NamesChoice, noNames, type PinnedVault } from "./pin-file.ts";

/** What the server's word about the vault comes to. */
export type Followed =
  /** It is the vault that was pinned, or one that it has signed for. */
  | { readonly trusted: true; readonly pin: PinnedVault }
  /** Nothing that the vault signed leads to it. */
  | { readonly trusted: false };

/** Goes from the pinned vault to the one that the server shows, by what each has signed for the next. Nothing else that the server says is believed. */
export function followVault(pin: PinnedVault, shown: VaultForAgents): Followed {
  const moved = followRotations(pin, shown.rotations);
  if (moved.recipient !== shown.recipient || moved.verifyKey !== shown.verify_key) return { trusted: false };
  const before = moved.recipient === pin.recipient ? pin.names : noNames;
  return { trusted: true, pin: { ...moved, names: newerNames(moved, before, shown) } };
}

/** A choice that is older than the one that is known, or that the vault hasn't signed, changes nothing. */
function newerNames(vault: VaultPin, before: NamesChoice, { names }: VaultForAgents): NamesChoice {
  if (names === null) return before;
  try {
    const said = verifyStatement(vault, names);
    return said.kind === "names" && said.serial > before.serial
      ? { visible: said.visible, serial: said.serial }
      : before;
  } catch {
    return before;
  }
}
