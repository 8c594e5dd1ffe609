import { createPrivateKey, type KeyObject, webcrypto, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, errorText, ServerError } from "../server-error.ts";
import { exportKey, generateKeys, signingAlgorithm } from "./keys.ts";
import { writeFileAtomically } from "./write-file-atomically.ts";
import * as x509 from "./x509.ts";

/** The certificate authority that this server made for itself. Agents trust it and no other. */
export interface Authority {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** Agents are bound to the authority: it must outlive the machines. Ten years is what they get to be enrolled again in. */
const authorityYears = 10;

/**
 * Reads the authority from `folder`, or makes it there at the first start. One that is there but can't be read is an error and never replaced:
 * every agent would refuse its successor. The public half is kept as `authority.crt` too, for people to copy.
 */
export async function openAuthority(folder: string, now: Date): Promise<Authority> {
  const path = join(folder, "authority.pem");
  const pem = (await readIfThere(path)) ?? (await makeAuthority(path, now));
  const authority = parseAuthority(pem, path);
  await writeFileAtomically(join(folder, "authority.crt"), authority.certificate.toString(), 0o644);
  return authority;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function parseAuthority(pem: string, path: string): Authority {
  try {
    const authority = { certificate: new X509Certificate(pem), key: createPrivateKey(pem) };
    if (authority.certificate.checkPrivateKey(authority.key)) return authority;
  } catch (cause) {
    throw damaged(path, errorText(cause), cause);
  }
  throw damaged(path, "its key and its certificate don't belong together");
}

function damaged(path: string, why: string, cause?: unknown): ServerError {
  return new ServerError("data-folder-unusable", `The server's certificate authority ${path} is damaged: ${why}.`, {
    cause,
    hint: "Put it back from a copy. If there is none, remove it and enrol every agent again: they trust only the old one.",
  });
}

async function makeAuthority(path: string, now: Date): Promise<string> {
  const keys = await generateKeys();
  const notAfter = new Date(now);
  notAfter.setUTCFullYear(now.getUTCFullYear() + authorityYears);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=SaveOS certificate authority ${crypto.randomUUID().slice(0, 8)}`,
      notBefore: now,
      notAfter,
      keys,
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  // One file for both halves: a crash can't part them.
  const pem = `${certificate.toString("pem")}\n${await exportKey(keys)}`;
  await writeFileAtomically(path, pem, 0o600);
  return pem;
}
