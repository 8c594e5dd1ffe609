import { KeyObject, webcrypto } from "node:crypto";

/** ECDSA on P-256 with SHA-256 (RFC 5758): known to every TLS client there is. */
export const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
}

/** The private key as PEM (PKCS #8). */
export async function exportKey({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  return KeyObject.from(privateKey).export({ type: "pkcs8", format: "pem" });
}

/** Node's key in the shape that WebCrypto signs with. */
export async function importSigningKey(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const pkcs8 = key.export({ type: "pkcs8", format: "der" });
  return await webcrypto.subtle.importKey("pkcs8", pkcs8, signingAlgorithm, false, ["sign"]);
}
