import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openServerTls } from "./server-certificate.ts";

const start = new Date("2030-01-01T00:00:00Z");
const daysLater = (days: number) => new Date(start.getTime() + days * 24 * 60 * 60 * 1000);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "saveos-test-"));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("the certificate is signed by the server's own authority and is for the loopback and the given names", async () => {
  const tls = await openServerTls(folder, ["backup.example.org", "10.0.0.5"], start);
  const certificate = new X509Certificate(tls.certificate);
  const authority = new X509Certificate(tls.authority);
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(certificate.checkIssued(authority)).toBe(true);
  expect([authority.ca, certificate.ca]).toEqual([true, false]);
  for (const name of ["localhost", "backup.example.org"]) expect(certificate.checkHost(name)).toBe(name);
  for (const address of ["127.0.0.1", "::1", "10.0.0.5"]) expect(certificate.checkIP(address)).toBe(address);
  expect(certificate.checkHost("elsewhere.example.org")).toBeUndefined();
});

test("the authority lives ten years, the certificate 397 days", async () => {
  const tls = await openServerTls(folder, [], start);
  expect(new X509Certificate(tls.authority).validToDate).toEqual(new Date("2040-01-01T00:00:00Z"));
  expect(new X509Certificate(tls.certificate).validToDate).toEqual(daysLater(397));
});

test("a restart changes nothing", async () => {
  expect(await openServerTls(folder, ["a"], start)).toEqual(await openServerTls(folder, ["a"], daysLater(300)));
});

test("a certificate with less than a month left is renewed by the same authority", async () => {
  const old = await openServerTls(folder, [], start);
  const renewed = await openServerTls(folder, [], daysLater(370));
  expect(renewed.authority).toBe(old.authority);
  expect(new X509Certificate(renewed.certificate).validToDate).toEqual(daysLater(370 + 397));
});

test("a new host name makes a new certificate", async () => {
  await openServerTls(folder, ["old"], start);
  const { certificate } = await openServerTls(folder, ["old", "new"], start);
  expect(new X509Certificate(certificate).checkHost("new")).toBe("new");
});

test("a damaged certificate is made anew, a damaged authority is an error that leaves it in place", async () => {
  const { authority } = await openServerTls(folder, [], start);
  await writeFile(join(folder, "server.pem"), "damaged");
  expect((await openServerTls(folder, [], start)).authority).toBe(authority);
  await writeFile(join(folder, "authority.pem"), "damaged");
  await expect(openServerTls(folder, [], start)).rejects.toMatchObject({ code: "data-folder-unusable" });
  expect(await readFile(join(folder, "authority.pem"), "utf8")).toBe("damaged");
});

test("only the owner can read the keys; the authority's certificate is for everyone", async () => {
  await openServerTls(folder, [], start);
  const modes = ["authority.pem", "server.pem", "authority.crt"].map(
    async (name) => (await stat(join(folder, name))).mode & 0o777,
  );
  expect(await Promise.all(modes)).toEqual([0o600, 0o600, 0o644]);
  expect(await readFile(join(folder, "authority.crt"), "utf8")).not.toContain("PRIVATE");
});
