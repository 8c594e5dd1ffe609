import { messageOf } from "../errors/system-error.ts";
import type { Log } from "./log.ts";
import type { ServerLink } from "./server-link.ts";

export interface CredentialRenewalDeps {
  readonly link: Pick<ServerLink, "renewCredential">;
  /** Makes the new credential durable, and from then on the one that is used. */
  readonly keepCredential: (credential: string) => Promise<void>;
  readonly log: Log;
}

/**
 * Replaces the credential when the server says that it is old. Until the new one is on disk the old one is used, and the server knows it until
 * the new one is first used: a stop or a failure anywhere leaves one that works, and the next heartbeat says again that it is old.
 */
export class CredentialRenewal {
  readonly #deps: CredentialRenewalDeps;
  #lastSaid: string | undefined;

  constructor(deps: CredentialRenewalDeps) {
    this.#deps = deps;
  }

  /** Never rejects: with the old credential everything goes on. */
  async renew(signal: AbortSignal): Promise<void> {
    const { link, keepCredential, log } = this.#deps;
    try {
      await keepCredential(await link.renewCredential({ signal }));
      log.info("The credential was renewed");
      this.#lastSaid = undefined;
    } catch (error) {
      const message = `The credential could not be renewed: ${messageOf(error)}; trying again`;
      if (!signal.aborted && message !== this.#lastSaid) log.warn(message);
      this.#lastSaid = message;
    }
  }
}
