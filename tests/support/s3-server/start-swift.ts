import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bringNewerSwift } from "../../../scripts/test/newer-swift.ts";
import { freePorts } from "../free-ports.ts";
import { storageServices, type SwiftPorts, swiftSettings } from "./swift-settings.ts";

export interface RunningSwift {
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/**
 * Starts OpenStack Swift with its S3 interface, from Debian's packages, on free ports of the loopback address, with a folder of its own. Needs
 * root: Swift reads /etc/swift and nothing else, so it gets one of its own in a mount namespace. It ends with this process, however that ends.
 */
export async function startSwift(): Promise<RunningSwift> {
  const pythonPath = await bringNewerSwift();
  const folder = await mkdtemp(join(tmpdir(), "saveos-test-s3-"));
  const [proxy = 0, object = 0, container = 0, account = 0, memcached = 0] = await freePorts(5);
  const ports = { proxy, object, container, account, memcached };
  const settings = join(folder, "etc");
  const disks = join(folder, "disks");
  for (const path of [settings, join(disks, "disk"), join(folder, "logs"), "/etc/swift"])
    await mkdir(path, { recursive: true });
  for (const [name, text] of Object.entries(swiftSettings(ports, disks))) await writeFile(join(settings, name), text);
  const child = spawn(
    "unshare",
    ["--mount", "--pid", "--fork", "--", "sh", "-c", supervisor, "sh", folder, String(ports.memcached)],
    {
      env: { ...process.env, PYTHONPATH: pythonPath },
      stdio: ["pipe", "ignore", "pipe"],
    },
  );
  const stop = async () => {
    child.stdin.end();
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  const endpoint = `http://127.0.0.1:${ports.proxy}`;
  try {
    await untilReady(ports, child, join(folder, "logs"));
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, stop };
}

/**
 * Starts the parts and waits for the end of its input, which comes when whoever started it closes it or is gone. It is the first process of a
 * namespace, so the kernel ends the parts with it, whatever they are doing.
 */
const supervisor = `
set -e
mount --bind "$1/etc" /etc/swift
cd /etc/swift
/usr/bin/python3 rings.py > "$1/logs/rings.log" 2>&1
memcached -u root -l 127.0.0.1 -p "$2" -m 16 > /dev/null 2>&1 &
for service in ${storageServices.join(" ")}; do
  "swift-$service-server" "/etc/swift/$service-server.conf" > "$1/logs/$service.log" 2>&1 &
done
swift-proxy-server /etc/swift/proxy-server.conf > "$1/logs/proxy.log" 2>&1 &
cat > /dev/null
rm -rf "$1"
`;

/** Four Python programs load on a machine that may be busy with other suites. */
const startMaxMs = 60_000;
const askAgainMs = 100;

async function untilReady(ports: SwiftPorts, child: ChildProcess, logs: string): Promise<void> {
  let words = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (words += text));
  const givenUpAt = Date.now() + startMaxMs;
  while (child.exitCode === null && Date.now() < givenUpAt) {
    const answers = await Promise.all(
      [ports.proxy, ...storageServices.map((service) => ports[service])].map(answersOn),
    );
    if (!answers.includes(false)) return;
    await sleep(askAgainMs);
  }
  const said = await Promise.all(
    ["rings", "proxy", "object"].map((name) => readFile(join(logs, `${name}.log`), "utf8").catch(() => "")),
  );
  throw new Error(`The S3 server did not start: ${words}${said.join("\n").slice(-2000)}`);
}

/** Whatever it answers to a request without a credential: it is loaded. */
async function answersOn(port: number): Promise<boolean> {
  return await fetch(`http://127.0.0.1:${port}/`).then(
    () => true,
    () => false,
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise((resolve) => child.once("close", resolve));
}
