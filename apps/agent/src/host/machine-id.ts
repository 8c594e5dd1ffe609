import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { replaceFile } from "./durable-file.ts";

/** Keeps the hash apart from any other program's hash of the same id; changing it would make every machine a new one. */
const context = "saveos machine id v1";

/**
 * An identifier that stays the same on one machine and tells nothing else about it: SHA-256 of the system's own id with a context. Where the
 * system has none, as in many containers, one is drawn and kept in the agent's state folder.
 */
export async function machineId(
  platform: NodeJS.Platform,
  stateFolder: string,
  readSystemId: (platform: NodeJS.Platform) => Promise<string | undefined> = systemId,
): Promise<string> {
  return hashMachineId((await readSystemId(platform)) || (await drawnId(path.join(stateFolder, "machine-id"))));
}

async function drawnId(file: string): Promise<string> {
  const kept = await firstFile(file);
  if (kept !== undefined) return kept.trim();
  const drawn = randomUUID();
  await replaceFile(file, `${drawn}\n`);
  return drawn;
}

async function systemId(platform: NodeJS.Platform): Promise<string | undefined> {
  return await readers[platform]?.();
}

export function hashMachineId(own: string): string {
  return createHash("sha256").update(`${context}\n${own}`).digest("hex");
}

const readers: Partial<Record<NodeJS.Platform, () => Promise<string | undefined>>> = {
  linux: async () => (await firstFile("/etc/machine-id", "/var/lib/dbus/machine-id"))?.trim(),
  darwin: async () =>
    /"IOPlatformUUID" = "([^"]+)"/.exec(await outputOf("ioreg", ["-rd1", "-c", "IOPlatformExpertDevice"]))?.[1],
  win32: async () =>
    /MachineGuid\s+REG_SZ\s+(\S+)/.exec(
      await outputOf("reg", ["query", "HKLM\\SOFTWARE\\Microsoft\\Cryptography", "/v", "MachineGuid"]),
    )?.[1],
};

async function firstFile(...files: string[]): Promise<string | undefined> {
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (text.trim() !== "") return text;
  }
  return undefined;
}

async function outputOf(program: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args).catch(() => ({ stdout: "" }));
  return stdout;
}
