import { runCommand } from "../run-command.ts";
import { bringNewerSwift } from "./newer-swift.ts";

/** A program that some suites run against, and that is not here. */
export interface MissingPeer {
  readonly name: PeerName;
  readonly reason: string;
}

export type PeerName = keyof typeof peers;

/** What the suites need from outside, and the Debian packages that bring it. */
const peers = {
  restic: { command: "restic", packages: ["restic"] },
  age: { command: "age", packages: ["age"] },
  chromium: { command: "chromium", packages: ["chromium"] },
  "extended attributes": { command: "setfacl", packages: ["acl", "attr"] },
  promtool: { command: "promtool", packages: ["prometheus"] },
  "an S3 server": {
    command: "swift-proxy-server",
    packages: ["swift-proxy", "swift-account", "swift-container", "swift-object", "memcached"],
  },
} as const;

/** Installs the peers that are missing from Debian's packages, as root where apt is; resolves with those that could not be had, and why. */
export async function bringPeers(): Promise<MissingPeer[]> {
  const missing = await installAbsent();
  if (missing.some(({ name }) => name === "an S3 server")) return missing;
  const reason = await s3ServerRefusal();
  return reason === undefined ? missing : [...missing, { name: "an S3 server", reason }];
}

async function installAbsent(): Promise<MissingPeer[]> {
  const absent = await absentPeers();
  if (absent.length === 0) return [];
  const refusal = await install(absent.flatMap((name) => [...peers[name].packages]));
  const still = await absentPeers();
  return still.map((name) => ({
    name,
    reason:
      refusal ?? `apt-get installed ${peers[name].packages.join(", ")}, but ${peers[name].command} is still not there`,
  }));
}

/** What the S3 server needs besides its packages; undefined when it is there. */
async function s3ServerRefusal(): Promise<string | undefined> {
  if (process.getuid?.() !== 0)
    return "only root can give it a folder of its own as /etc/swift, which is all that it reads";
  return await bringNewerSwift().then(
    () => undefined,
    (error: unknown) => `a newer Swift than this Debian's could not be had: ${String(error)}`,
  );
}

async function absentPeers(): Promise<PeerName[]> {
  const names = Object.keys(peers) as PeerName[];
  const found = await Promise.all(names.map(async (name) => await isOnPath(peers[name].command)));
  return names.filter((_, i) => !found[i]);
}

async function isOnPath(command: string): Promise<boolean> {
  return (await runCommand(command, "sh", ["-c", 'command -v "$1"', "sh", command])).ok;
}

/** Undefined when all went well, else the sentence that says why not. */
async function install(packages: readonly string[]): Promise<string | undefined> {
  if (process.platform !== "linux" || !(await isOnPath("apt-get")))
    return "this machine has no apt-get to install it with";
  if (process.getuid?.() !== 0) return `it is not installed; as root: apt-get install ${packages.join(" ")}`;
  console.log(`Installing for the tests: ${packages.join(" ")}`);
  const update = await runCommand("apt-get update", "apt-get", ["-qq", "update"]);
  if (!update.ok) return `apt-get update failed: ${lastLine(update.output)}`;
  const args = [
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "-qq",
    "install",
    "-y",
    "--no-install-recommends",
    ...packages,
  ];
  const result = await runCommand("apt-get install", "env", args);
  return result.ok ? undefined : `apt-get install failed: ${lastLine(result.output)}`;
}

function lastLine(text: string): string {
  return text.trimEnd().split("\n").at(-1) ?? "";
}
