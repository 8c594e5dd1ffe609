import { httpsLink } from "../daemon/https-link.ts";
import { trustedFetch } from "../daemon/trusted-fetch.ts";
import type { EnrolledMachine } from "../enrolment/enrolled-machine.ts";
import { nowText } from "../host/clock.ts";
import type { World } from "../world.ts";
import { contentOf } from "./keeper-of-machine.ts";
import { readPinFile } from "./pin-file.ts";
import { writeSealNotes } from "./seal-notes.ts";
import { sealOwnPassword } from "./seal-own-password.ts";

/**
 * Seals this machine's password to the pinned vault, for a command that a person runs; the daemon does so by itself. Resolves with whether a vault is pinned.
 * Rejects as the line to the server does, or with a `VaultError`.
 */
export async function sealNow({ clock, signal }: World, machine: EnrolledMachine): Promise<boolean> {
  const { home, config, secrets } = machine;
  const pin = await readPinFile(home.vaultFile);
  if (pin === undefined) return false;
  await using trusted = trustedFetch(config.certificateAuthority);
  const link = httpsLink({ fetch: trusted.fetch, serverUrl: config.serverUrl, credential: () => secrets.credential });
  await sealOwnPassword(link, pin, contentOf(machine), { signal });
  await writeSealNotes(home.stateFolder, { sealedTo: pin.recipient, sealedAt: nowText(clock), trouble: undefined });
  return true;
}
