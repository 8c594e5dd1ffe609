import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { AgentError } from "../errors/agent-error.ts";

/** Keeps the hash apart from any other program's hash of the same id; changing it would make every machine a new one. */
const context = "saveos machine id v1";

/**
 * An identifier that stays the same on one machine and tells nothing else about it: SHA-256 of the system's own id with a context.
 * Rejects with `bad-settings` where the system has none.
 */
export async function machineId(platform: NodeJS.Platform): Promise<string> {
  const own = (await readers[platform]?.()) ?? "";
  if (own === "")
    throw new AgentError("bad-settings", "This machine has no machine id that the server could know it by.", {
      hint: "On Linux, `systemd-machine-id-setup` makes /etc/machine-id.",
    });
  return hashMachineId(own);
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
