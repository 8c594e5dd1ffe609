import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import type { CreateVaultRequest, SignedStatement } from "@saveos/contract";

/** As `age -p` writes it; nothing is in it. */
export const lockedIdentity =
  "-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3JnL3Yx\n-----END AGE ENCRYPTED FILE-----\n";

/** What the server takes for a sealed password: it can't tell. */
export function sealedText(): string {
  return randomBytes(200).toString("base64");
}

const bech32 = "023456789acdefghjklmnpqrstuvwxyz";
const at = "2030-01-01T12:00:00.000Z";

/** A vault as the server sees it: it signs, by OpenSSL, and seals nothing. */
export class TestVault {
  readonly recipient: string;
  readonly verifyKey: string;
  readonly generation: number;
  readonly #privateKey: KeyObject;

  constructor(generation = 1) {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    this.#privateKey = privateKey;
    this.generation = generation;
    this.verifyKey = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url").toString("hex");
    this.recipient = `age1${Array.from(randomBytes(58), (byte) => bech32[byte % 32]).join("")}`;
  }

  get pin() {
    return { recipient: this.recipient, verify_key: this.verifyKey, generation: this.generation };
  }

  /** With which an owner makes it. */
  get request(): CreateVaultRequest {
    const passphrase = { label: "owner", locked_identity: lockedIdentity };
    return { recipient: this.recipient, verify_key: this.verifyKey, passphrase };
  }

  rotationTo(next: TestVault): SignedStatement {
    const { recipient: to, verifyKey: to_verify_key, generation } = next;
    return this.sign({ kind: "rotation", from: this.recipient, to, to_verify_key, generation, at });
  }

  names(visible: boolean, serial: number): SignedStatement {
    return this.sign({ kind: "names", from: this.recipient, visible, serial, at });
  }

  sign(content: object): SignedStatement {
    const statement = JSON.stringify(content);
    const signature = sign(undefined, Buffer.from(`saveos vault statement v1\n${statement}`), this.#privateKey);
    return { statement, signature: signature.toString("hex") };
  }
}
