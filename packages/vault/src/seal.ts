import { Decrypter, Encrypter } from "age-encryption";
import { invalidIdentity, isRecipient, requireX25519Identity } from "./identity.ts";
import { VaultError } from "./vault-error.ts";

/** Seals bytes so that only the holder of the recipient's identity opens them: an age file (https://age-encryption.org/v1) in base64. */
export async function seal(recipient: string, bytes: Uint8Array): Promise<string> {
  return (await encrypterTo(recipient).encrypt(bytes)).toBase64();
}

/** What `seal` sealed. Rejects with `not-for-us`, `damaged` or `invalid-identity`; what it resolves with is whole and unchanged. */
export async function open(identity: string, sealed: string): Promise<Uint8Array> {
  const decrypter = decrypterOf(identity);
  let isForSomebodyElse = false;
  decrypter.addIdentity({
    // Asked only when the identity before it fitted none of the recipients.
    unwrapFileKey: () => {
      isForSomebodyElse = true;
      return null;
    },
  });
  try {
    return await decrypter.decrypt(Uint8Array.fromBase64(sealed));
  } catch (cause) {
    throw isForSomebodyElse
      ? new VaultError("not-for-us", "It was sealed to somebody else", { cause })
      : new VaultError("damaged", "What was sealed is damaged", { cause });
  }
}

function encrypterTo(recipient: string): Encrypter {
  const encrypter = new Encrypter();
  try {
    if (!isRecipient(recipient)) throw new TypeError("not an X25519 recipient");
    encrypter.addRecipient(recipient);
  } catch (cause) {
    throw new VaultError("invalid-recipient", "This is no age recipient (age1…)", { cause });
  }
  return encrypter;
}

function decrypterOf(identity: string): Decrypter {
  requireX25519Identity(identity);
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity);
  } catch (cause) {
    throw invalidIdentity(cause);
  }
  return decrypter;
}
