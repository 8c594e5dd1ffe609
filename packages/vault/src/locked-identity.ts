import { armor, Decrypter, Encrypter, Stanza } from "age-encryption";
import { recipientOf } from "./identity.ts";
import { VaultError } from "./vault-error.ts";

/**
 * What age itself uses: N = 2^18, r = 8, p = 1, a second and 256 MiB for each guess (https://age-encryption.org/v1, scrypt). More would make phones and
 * small browsers fail, and stock age opens it as it is.
 */
const workFactor = 18;

/** What is opened comes from a server that may be hostile. age writes 18; 2^19 is 512 MiB and some seconds, which is the most that a person's machine is asked for. */
const workFactorMax = 19;

/** A locked identity is some 500 bytes. */
const lockedMaxLength = 16 * 1024;

/**
 * Locks an identity with a passphrase: an armored age file with what `age-keygen` would have written, so that `age -d` opens it, and `age -d -i` takes it
 * as an identity. Takes a second or two, on purpose. Rejects with `invalid-identity`.
 */
export async function lockIdentity(identity: string, passphrase: string): Promise<string> {
  const text = `# public key: ${await recipientOf(identity)}\n${identity}\n`;
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(workFactor);
  encrypter.setPassphrase(passphrase);
  return armor.encode(await encrypter.encrypt(text));
}

/** What `lockIdentity` locked, or `age -p` with a file of `age-keygen`. As slow as that. Rejects with `wrong-passphrase` or `damaged`. */
export async function unlockIdentity(locked: string, passphrase: string): Promise<string> {
  const decrypter = new Decrypter();
  let isPassphraseWrong = false;
  decrypter.addIdentity({ unwrapFileKey: requireBearableWork });
  decrypter.addPassphrase(passphrase);
  decrypter.addIdentity({
    // Asked only when the passphrase did not fit.
    unwrapFileKey: () => {
      isPassphraseWrong = true;
      return null;
    },
  });
  let text: string;
  try {
    text = await decrypter.decrypt(bytesOf(locked), "text");
  } catch (cause) {
    if (isPassphraseWrong) throw new VaultError("wrong-passphrase", "This is not the passphrase", { cause });
    throw cause instanceof VaultError ? cause : damaged(cause);
  }
  return await identityIn(text);
}

function bytesOf(locked: string): Uint8Array {
  if (locked.length > lockedMaxLength) throw damaged();
  return armor.decode(locked);
}

/** Looks before scrypt starts: a work factor costs whoever computes it, not whoever wrote it. */
function requireBearableWork(stanzas: Stanza[]): null {
  const [stanza] = stanzas;
  const [kind, , factor = ""] = stanza?.args ?? [];
  if (stanzas.length !== 1 || kind !== "scrypt" || !/^[1-9][0-9]?$/.test(factor)) throw damaged();
  if (Number(factor) > workFactorMax)
    throw new VaultError(
      "damaged",
      `The locked identity asks for 2^${factor} rounds of scrypt, more than 2^${workFactorMax}`,
    );
  return null;
}

async function identityIn(text: string): Promise<string> {
  const [identity, ...more] = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  if (identity === undefined || more.length > 0) throw damaged();
  await recipientOf(identity).catch((cause: unknown) => {
    throw damaged(cause);
  });
  return identity;
}

function damaged(cause?: unknown): VaultError {
  return new VaultError("damaged", "The locked identity is damaged", { cause });
}
