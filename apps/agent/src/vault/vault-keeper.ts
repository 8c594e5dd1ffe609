import type { VaultForAgents } from "@saveos/contract";
import type { ServerLink } from "../daemon/server-link.ts";
import type { Log } from "../daemon/log.ts";
import { messageOf } from "../errors/system-error.ts";
import { followVault } from "./follow-vault.ts";
import type { PinnedVault } from "./pin-file.ts";
import { type SealedContent, sealOwnPassword } from "./seal-own-password.ts";
import type { SealNotes } from "./seal-notes.ts";

export interface VaultKeeperDeps {
  readonly link: Pick<ServerLink, "sealPassword">;
  readonly readPin: () => Promise<PinnedVault | undefined>;
  /** Durable when it resolves; after a stop anywhere in it there is the old pin or the new one. */
  readonly writePin: (pin: PinnedVault) => Promise<void>;
  readonly readNotes: () => Promise<SealNotes>;
  readonly writeNotes: (notes: SealNotes) => Promise<void>;
  readonly content: SealedContent;
  /** RFC 3339. */
  readonly now: () => string;
  readonly log: Log;
}

/**
 * Keeps this machine's password sealed to its tenant's vault. A vault that the server shows counts only if it is the pinned one, or if what the pinned one signed leads
 * to it: then the pin moves, and the password is sealed again.
 *
 * First the pin is durable, then the server has the sealed password, then that is noted: after a stop anywhere the next start does what is left.
 */
export class VaultKeeper {
  readonly #deps: VaultKeeperDeps;
  /** What the server last showed; undefined before it has. */
  #shown: VaultForAgents | null | undefined;
  #lastSaid: string | undefined;

  constructor(deps: VaultKeeperDeps) {
    this.#deps = deps;
  }

  /** The version of the vault that the server has shown, 0 for none: it shows another one by itself. */
  get version(): number {
    return this.#shown?.version ?? 0;
  }

  /**
   * Takes what an answer of the server brought, undefined for nothing new, and does what is to be done. Never rejects: backups go on whatever the vault is, and what
   * failed is tried again with the next answer.
   */
  async heed(shown: VaultForAgents | null | undefined, signal: AbortSignal): Promise<void> {
    if (shown !== undefined) this.#shown = shown;
    try {
      await this.#keep(signal);
    } catch (error) {
      if (!signal.aborted)
        await this.#tell(`The repository's password could not be sealed to the vault: ${messageOf(error)}`);
    }
  }

  async #keep(signal: AbortSignal): Promise<void> {
    const { link, readPin, writePin, readNotes, writeNotes, content, now, log } = this.#deps;
    const shown = this.#shown;
    const pin = await readPin();
    if (shown === undefined || (shown === null && pin === undefined)) return;
    if (pin === undefined) return await this.#tell(unpinned);
    if (shown === null) return await this.#tell(noVault);
    const followed = followVault(pin, shown);
    if (!followed.trusted) return await this.#tell(refused(shown));
    if (!isSame(pin, followed.pin)) {
      await writePin(followed.pin);
      if (followed.pin.recipient !== pin.recipient)
        log.info(`The vault has moved to ${followed.pin.recipient}, as its earlier identity signed`);
    }
    const notes = await readNotes();
    if (notes.sealedTo !== followed.pin.recipient) {
      await sealOwnPassword(link, followed.pin, content, { signal });
      await writeNotes({ sealedTo: followed.pin.recipient, sealedAt: now(), trouble: undefined });
      log.info(`The repository's password is sealed to the vault ${followed.pin.recipient}`);
    } else if (notes.trouble !== undefined) {
      await writeNotes({ ...notes, trouble: undefined });
    }
    this.#lastSaid = undefined;
  }

  /** The same trouble once, not with every heartbeat; and for `saveos-agent status`. */
  async #tell(trouble: string): Promise<void> {
    if (trouble === this.#lastSaid) return;
    this.#deps.log.warn(trouble);
    this.#lastSaid = trouble;
    await this.#deps.writeNotes({ ...(await this.#deps.readNotes()), trouble }).catch(() => undefined);
  }
}

const unpinned =
  "The server has a vault, and this machine has pinned none: nothing is sealed to it. " +
  "An administrator sees its pin with `saveos-agent vault show --pin`; `saveos-agent vault pin` pins it here.";

const noVault = "The server says that there is no vault, though this machine has pinned one: nothing is sealed.";

function refused({ recipient }: VaultForAgents): string {
  return (
    `The server shows another vault (${recipient}) than the one that this machine has pinned, and the pinned one has not signed for it: nothing is sealed to it. ` +
    "Ask whoever owns the vault. If the server was taken over, this is how it would try to get the repository's password."
  );
}

function isSame(one: PinnedVault, other: PinnedVault): boolean {
  return (
    one.recipient === other.recipient &&
    one.verifyKey === other.verifyKey &&
    one.generation === other.generation &&
    one.names.visible === other.names.visible &&
    one.names.serial === other.names.serial
  );
}
