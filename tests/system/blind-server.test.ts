import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lockedIdentityResponse, passphraseList } from "@saveos/contract";
import { unlockIdentity } from "@saveos/vault";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { administratorOf } from "../support/administrator.ts";
import { open } from "../support/engine.ts";
import { memoryOfProcesses } from "../support/memory-of-processes.ts";
import { agentAt, register, secretsOf } from "../support/saveos-agent.ts";
import { type ServerProcess, serverProcess } from "../support/server-process.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** Everything that a server keeps is searched for what it must not know: its memory, objects, tables, journal, logs. */
describe("a server that has taken backups, shown files and failed at some", () => {
  let temp: TempFolder;
  const found = new Map<string, Set<string>>();
  const secrets = {
    "file name": [`Kündigung-${randomBytes(12).toString("hex")}.txt`],
    "file's content": [`The content is ${randomBytes(12).toString("hex")}, and nobody else's business.`],
    "repository's password": [] as string[],
    "part of a master key": [] as Uint8Array[],
    "vault's passphrase": [`wooden clock under ${randomBytes(12).toString("hex")}`],
    "vault's identity": [] as string[],
    "agent's credential": [] as string[],
  };
  /** What it may know, so that the search means something. */
  const tag = `tag-${randomBytes(12).toString("hex")}`;

  beforeAll(async () => {
    temp = await tempFolder();
    const dataFolder = join(temp.path, "data");
    await using server = await serverProcess(dataFolder, { SAVEOS_LOG_LEVEL: "trace" });
    const running = await server.start();
    const apiKey = await server.createApiKey();
    const administrator = administratorOf({ server, apiKey });
    const vault = await vaultBy(server, apiKey, secrets["vault's passphrase"].join());
    secrets["vault's identity"].push(await vault.identity());
    const agent = agentAt(join(temp.path, "machine"));
    const { agentId, enrolment } = await administrator.provision({ tags: [tag] });
    await register(agent, enrolment);
    const { repository_password: password, credential } = await secretsOf(agent);
    secrets["repository's password"].push(password);
    secrets["agent's credential"].push(credential);

    const source = join(temp.path, "source");
    const [fileName = ""] = secrets["file name"];
    await mkdir(source);
    await writeFile(join(source, fileName), secrets["file's content"].join());
    await agent("backup", source);
    await agent("--compression", "off", "backup", source, "--force");
    await agent("dump", "latest", join(source, fileName));
    await agent("find", fileName);
    await using daemon = agent.start("daemon");
    for (const paths of [[source], [source, `/proc/${process.pid}/mem`]])
      await administrator.untilJob(await administrator.orderBackup({ agent_id: agentId, paths }));
    const { repository_id: repositoryId } = await administrator.agent(agentId);
    expect(await vault.open(repositoryId ?? "")).toBe(password);
    const { masterKey } = await open(join(dataFolder, "objects", repositoryId ?? ""), password);
    secrets["part of a master key"].push(masterKey.encrypt, masterKey.macK, masterKey.macR);

    const wanted = wantedForms({ ...secrets, tag: [tag] });
    const longest = Math.max(...wanted.map(({ bytes }) => bytes.length));
    for await (const part of memoryOfProcesses(running.process.pid ?? 0, longest)) look("memory", part);
    await daemon.stop();
    const { stdout, stderr } = await running.stop();
    look("what it printed", Buffer.from(stdout + stderr));
    for await (const { path, bytes } of everythingBelow(dataFolder)) look(path, bytes);

    function look(place: string, bytes: Buffer): void {
      for (const { kind, bytes: form } of wanted)
        if (bytes.includes(form)) found.set(kind, (found.get(kind) ?? new Set()).add(place));
    }
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("what it may know is found, so that the search means something", () => {
    expect(placesOf("tag")).toEqual(expect.arrayContaining(["memory", expect.stringContaining("postgres")]));
  });

  test.each([
    "file name",
    "file's content",
    "repository's password",
    "part of a master key",
    "vault's passphrase",
    "vault's identity",
  ] as const)("no %s is in its memory, or written down anywhere", (kind) => {
    expect(secrets[kind].length).toBeGreaterThan(0);
    expect(placesOf(kind)).toEqual([]);
  });

  test("an agent's credential, which comes with each request, is written down nowhere", () => {
    expect(placesOf("agent's credential")).toEqual(["memory"]);
  });

  function placesOf(kind: string): string[] {
    return [...(found.get(kind) ?? [])];
  }
});

/** A vault that its owner makes and opens with the agent's program. */
async function vaultBy(server: ServerProcess, apiKey: string, passphrase: string) {
  const folder = join(server.dataFolder, "..");
  const [caFile, passphraseFile] = [join(folder, "authority.pem"), join(folder, "passphrase")];
  const provisioned = await administratorOf({ server, apiKey }).provision();
  await writeFile(caFile, provisioned.enrolment.certificate_authority);
  await writeFile(passphraseFile, passphrase);
  const owner = agentAt(join(folder, "owner"), { env: { SAVEOS_API_KEY: apiKey } });
  const options = ["--server", server.httpsUrl, "--cacert", caFile, "--passphrase-file", passphraseFile];
  await owner("vault", "init", "--label", "owner", ...options);
  const ask = async (path: string) =>
    (await send(server.httpUrl, "GET", `/api/v1/vault/passphrases${path}`, { credential: apiKey })).body;
  return {
    open: async (repositoryId: string) =>
      (await owner("vault", "open", repositoryId, "--password-to", "-", ...options)).trim(),
    identity: async () => {
      const [first] = passphraseList.parse(await ask("")).passphrases;
      return await unlockIdentity(lockedIdentityResponse.parse(await ask(`/${first?.id}`)).locked_identity, passphrase);
    },
  };
}

interface Wanted {
  readonly kind: string;
  readonly bytes: Buffer;
}

/** Each secret as it is, and as programs hold and write what they don't show as it is. */
function wantedForms(secrets: Readonly<Record<string, readonly (string | Uint8Array)[]>>): Wanted[] {
  return Object.entries(secrets).flatMap(([kind, values]) =>
    values.flatMap((value) => {
      const bytes = Buffer.from(value);
      expect(bytes.length).toBeGreaterThanOrEqual(16);
      const texts = [
        bytes.toString("hex"),
        bytes.toString("base64").slice(0, -4),
        bytes.toString("base64url").slice(0, -4),
        ...(typeof value === "string" ? [encodeURIComponent(value)] : []),
      ];
      // A JavaScript engine holds a text in one or two bytes a character.
      const held = [...texts, ...(typeof value === "string" ? [value] : [])].flatMap((text) => [
        Buffer.from(text, "latin1"),
        Buffer.from(text, "utf16le"),
      ]);
      return [bytes, ...held].map((form) => ({ kind, bytes: form }));
    }),
  );
}

async function* everythingBelow(folder: string): AsyncGenerator<{ path: string; bytes: Buffer }> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { path, bytes: Buffer.concat(await Array.fromAsync(createReadStream(path) as AsyncIterable<Buffer>)) };
  }
}
