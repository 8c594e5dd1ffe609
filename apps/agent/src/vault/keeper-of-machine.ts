import type { ServerLink } from "../daemon/server-link.ts";
import type { Log } from "../daemon/log.ts";
import type { EnrolledMachine } from "../enrolment/enrolled-machine.ts";
import { nowText } from "../host/clock.ts";
import { machineFacts } from "../host/facts.ts";
import type { World } from "../world.ts";
import { readPinFile, writePinFile } from "./pin-file.ts";
import type { SealedContent } from "./seal-own-password.ts";
import { readSealNotes, writeSealNotes } from "./seal-notes.ts";
import { VaultKeeper } from "./vault-keeper.ts";

/** What an enrolled machine seals to its vault. */
export function contentOf({ config, secrets }: EnrolledMachine): SealedContent {
  return {
    password: secrets.repositoryPassword,
    identity: secrets.identity,
    repositoryId: config.repositoryId,
    host: machineFacts().hostname,
  };
}

/** The keeper of an enrolled machine's sealed password, with its files. */
export function keeperOfMachine(
  { clock }: Pick<World, "clock">,
  machine: EnrolledMachine,
  link: Pick<ServerLink, "sealPassword">,
  log: Log,
): VaultKeeper {
  const { home } = machine;
  return new VaultKeeper({
    link,
    readPin: async () => await readPinFile(home.vaultFile),
    writePin: async (pin) => await writePinFile(home.vaultFile, pin),
    readNotes: async () => await readSealNotes(home.stateFolder),
    writeNotes: async (notes) => await writeSealNotes(home.stateFolder, notes),
    content: contentOf(machine),
    now: () => nowText(clock),
    log,
  });
}
