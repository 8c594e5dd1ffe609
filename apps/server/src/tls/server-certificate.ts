import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { type Authority, openAuthority } from "./authority.ts";
import { exportKey, generateKeys, importSigningKey, signingAlgorithm } from "./keys.ts";
import { writeFileAtomically } from "./write-file-atomically.ts";
import * as x509 from "./x509.ts";

/** What the TLS listener needs, and what clients need to trust it. All PEM. */
export interface ServerTls {
  /** The authority's certificate. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** The longest that clients which follow the CA/Browser Forum's rules (Apple's do) accept, with a day to spare. */
const certificateDays = 397;

/** Renewed with a month left: a server that is started or looks once a day never shows one that has run out. */
const renewBeforeDays = 30;

const dayMs = 24 * 60 * 60 * 1000;
const ownNames = ["localhost", "127.0.0.1", "::1"];

/**
 * Reads the server's certificate from `folder`. Makes a new one, signed by the authority beside it, when there is none, when it soon runs out, or when it
 * isn't for all of `names`.
 */
export async function openServerTls(folder: string, names: readonly string[], now: Date): Promise<ServerTls> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const authority = await openAuthority(folder, now);
  const allNames = certificateNames(names);
  const path = join(folder, "server.pem");
  const old = await readFile(path, "utf8").catch(() => "");
  const pem = isGood(old, authority, allNames, now) ? old : await makeCertificate(path, authority, allNames, now);
  return {
    authority: authority.certificate.toString(),
    certificate: new X509Certificate(pem).toString(),
    key: createPrivateKey(pem).export({ type: "pkcs8", format: "pem" }),
  };
}

/** The names that the certificate is for: the loopback's, and those that the server was given. */
export function certificateNames(names: readonly string[]): string[] {
  return [...new Set([...ownNames, ...names.map((name) => name.toLowerCase())])];
}

function isGood(pem: string, authority: Authority, names: readonly string[], now: Date): boolean {
  try {
    const certificate = new X509Certificate(pem);
    const daysLeft = (certificate.validToDate.getTime() - now.getTime()) / dayMs;
    return (
      daysLeft > renewBeforeDays &&
      certificate.validFromDate <= now &&
      certificate.verify(authority.certificate.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(pem)) &&
      names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
    );
  } catch {
    // Missing or damaged: unlike the authority, nobody is bound to this one.
    return false;
  }
}

async function makeCertificate(
  path: string,
  authority: Authority,
  names: readonly string[],
  now: Date,
): Promise<string> {
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(authority.certificate.raw);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject: "CN=SaveOS server",
      issuer: issuer.subject,
      // An hour back, for agents whose clocks are a little behind.
      notBefore: new Date(Math.max(now.getTime() - 60 * 60 * 1000, issuer.notBefore.getTime())),
      notAfter: new Date(Math.min(now.getTime() + certificateDays * dayMs, issuer.notAfter.getTime())),
      publicKey: keys.publicKey,
      signingKey: await importSigningKey(authority.key),
      signingAlgorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension(
          names.map((name) => ({ type: isIP(name) === 0 ? ("dns" as const) : ("ip" as const), value: name })),
        ),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  const pem = `${certificate.toString("pem")}\n${await exportKey(keys)}`;
  await writeFileAtomically(path, pem, 0o600);
  return pem;
}
