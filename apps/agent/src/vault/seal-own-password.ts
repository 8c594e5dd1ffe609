import { recipientOf, sealPassword } from "@saveos/vault";
import type { ServerLink } from "../daemon/server-link.ts";
import type { PinnedVault } from "./pin-file.ts";

/** What is sealed to the vault: how to open this machine's repository, and how to seal something to this machine. */
export interface SealedContent {
  readonly password: string;
  readonly identity: string;
  readonly repositoryId: string;
  readonly host: string;
}

/** Seals this machine's repository password to the pinned vault and gives it to the server. Rejects as the link does, or with a `VaultError`. */
export async function sealOwnPassword(
  link: Pick<ServerLink, "sealPassword">,
  { recipient, generation }: PinnedVault,
  { password, identity, repositoryId, host }: SealedContent,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const agentRecipient = await recipientOf(identity);
  const sealed = await sealPassword(recipient, { password, agentRecipient, repositoryId, host });
  await link.sealPassword({ generation, sealed }, { signal });
}
