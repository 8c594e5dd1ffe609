import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { request as httpsRequest } from "node:https";
import type { RegisterResponse } from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { open } from "../support/engine.ts";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { isOlderThan, type Restic, resticOn } from "../support/restic.ts";
import { startProgram } from "../support/start-program.ts";
import { fillWithEverything, noise, prose } from "../support/sample-tree.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const password = "geheim";

/** What the gateway owes to stock restic, over TLS, with the server's own authority. */
export function resticSuite(settings: () => Promise<Readonly<Record<string, string>>>): void {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer({ environment: await settings() });
    administrator = administratorOf(saveos);
  });
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  test.concurrent("what restic backs up through it, in full and then what changed, comes back bit for bit, and restic finds nothing wrong", async () => {
    const source = join(temp.path, "source");
    await fillWithEverything(source);
    // Only restic from 0.16 on keeps a link target that is not UTF-8.
    if (await isOlderThan(0, 16)) await rm(join(source, "links/odd"));
    const restic = await newRepository();
    await restic("backup", source);
    const before = await manifestOf(source);
    await writeFile(join(source, "notes.txt"), "second\n");
    const second = (await restic.json("backup", source)).at(-1);
    expect(second).toMatchObject({ files_new: 0, files_changed: 1 });
    expect((second as { data_added: number }).data_added).toBeLessThan(100_000);
    const after = await manifestOf(source);
    await restic("check", "--read-data");

    const [first, latest] = (await restic.json("snapshots")).flat() as { id: string }[];
    for (const [snapshot, manifest] of [
      [first, before],
      [latest, after],
    ] as const) {
      const back = join(temp.path, `restored-${snapshot?.id}`);
      await restic("restore", snapshot?.id ?? "", "--target", back);
      expect(await manifestOf(join(back, source))).toEqual(manifest);
    }
  });

  test.concurrent("an administrator's restic forgets, prunes and finds the rest whole, as far as grants let it", async () => {
    const repositoryId = randomUUID();
    const restic = await newRepository({ repositoryId });
    const folder = join(temp.path, randomUUID());
    await backUpTwice(restic, folder);
    for (const _ of [1, 2]) await restic("backup", folder);
    const [oldest] = (await restic.json("snapshots")).flat() as { id: string }[];
    const before = join(temp.path, randomUUID());
    await restic("restore", oldest?.id ?? "", "--target", before);
    await administrator.letDelete(repositoryId, { forget: [oldest?.id ?? ""] });
    await administrator.letDelete(repositoryId, "prune");
    await restic("forget", "--keep-last", "3", "--prune");
    await restic("check", "--read-data");
    expect((await restic.json("snapshots")).flat()).toHaveLength(3);
    const back = join(temp.path, randomUUID());
    await restic("restore", "latest", "--target", back);
    expect(await manifestOf(join(back, folder))).toEqual(await manifestOf(folder));

    // And what was forgotten and pruned comes back whole.
    await administrator.undelete(repositoryId, oldest?.id ?? "");
    await restic("check", "--read-data");
    expect((await restic.json("snapshots")).flat()).toHaveLength(4);
    const again = join(temp.path, randomUUID());
    await restic("restore", oldest?.id ?? "", "--target", again);
    expect(await manifestOf(join(again, folder))).toEqual(await manifestOf(join(before, folder)));
    await administrator.letDelete(repositoryId, "prune");
    await restic("prune");
    await restic("check", "--read-data");
  });

  test.concurrent("an administrator's restic adds, lists and removes keys", async () => {
    const repositoryId = randomUUID();
    const restic = await newRepository({ repositoryId });
    await administrator.letDelete(repositoryId, "keys");
    const file = join(temp.path, randomUUID());
    await writeFile(file, "the second password");
    await restic("key", "add", "--new-password-file", file);
    const second = resticOn(saveos.resticAddress(repositoryId), "the second password", {
      cacert: saveos.authorityFile,
    });
    const keys = (await second.json("key", "list")).flat() as { id: string; current: boolean }[];
    expect(keys.map(({ current }) => current).toSorted((a, b) => Number(a) - Number(b))).toEqual([false, true]);
    await second("key", "remove", keys.find(({ current }) => !current)?.id ?? "");
    expect((await restic.attempt("snapshots")).code).not.toBe(0);
    await second("check");
  });

  test.concurrent("an agent's credential can back up and read, and can't forget, prune or remove a key: nothing is lost", async () => {
    const agent = await administrator.enrol();
    const restic = await newRepository({ repositoryId: agent.repository_id, credential: agent.credential });
    const folder = join(temp.path, randomUUID());
    await backUpTwice(restic, folder);
    await expectRefusal(agent, "forget", "--keep-last", "1", "--prune");
    for (const kind of ["data", "index", "keys", "snapshots"] as const)
      for await (const { id } of saveos.store(agent.repository_id).list(kind))
        expect(
          await sendOverTls("DELETE", `${agent.repository_path}${kind}/${id}`, { credential: agent.credential }),
        ).toBe(403);
    expect((await restic.json("snapshots")).flat()).toHaveLength(2);
    await restic("check", "--read-data");
    const back = join(temp.path, randomUUID());
    await restic("restore", "latest", "--target", back);
    expect(await manifestOf(join(back, folder))).toEqual(await manifestOf(folder));
  });

  test.concurrent("an agent's credential opens no repository but its own, and a wrong one opens none", async () => {
    const repositoryId = randomUUID();
    await newRepository({ repositoryId });
    const agent = await administrator.enrol();
    for (const credential of [agent.credential, "wrong"]) {
      const restic = resticOn(saveos.resticAddress(repositoryId, credential), password, {
        cacert: saveos.authorityFile,
      });
      expect((await restic.attempt("snapshots")).code).not.toBe(0);
      expect((await restic.attempt("init")).code).not.toBe(0);
    }
  });

  test.concurrent("an object that is not what its name says is 400 and not kept", async () => {
    const repositoryId = randomUUID();
    await newRepository({ repositoryId });
    const name = createHash("sha256").update("something else").digest("hex");
    const path = `/restic/${repositoryId}/data/${name}`;
    expect(await sendOverTls("POST", path, { body: noise(100_000, 1) })).toBe(400);
    expect(await sendOverTls("HEAD", path)).toBe(404);
  });

  test.concurrent("an object whose upload is cut short is not kept, and can be sent again", async () => {
    const repositoryId = randomUUID();
    await newRepository({ repositoryId });
    const bytes = randomBytes(100_000);
    const path = `/restic/${repositoryId}/data/${createHash("sha256").update(bytes).digest("hex")}`;
    await expect(sendOverTls("POST", path, { body: bytes, cutAfterBytes: 60_000 })).rejects.toThrow();
    expect(await sendOverTls("HEAD", path)).toBe(404);
    expect(await sendOverTls("POST", path, { body: bytes })).toBe(200);
    expect(await sendOverTls("HEAD", path)).toBe(200);
  });

  test.concurrent("of two inits at the same moment one makes the repository, and it opens with that one's password", async () => {
    const repositoryId = randomUUID();
    const passwords = ["one", "two"];
    const racing = passwords.map(async (each) => {
      const restic = resticOn(saveos.resticAddress(repositoryId), each, { cacert: saveos.authorityFile });
      return (await restic.attempt("init")).code === 0;
    });
    const made = await Promise.all(racing);
    expect(made.filter(Boolean)).toHaveLength(1);
    const winner = passwords[made.indexOf(true)] ?? "";
    await resticOn(saveos.resticAddress(repositoryId), winner, { cacert: saveos.authorityFile })("check");
    await open(saveos.store(repositoryId), winner);
  });

  async function newRepository({
    repositoryId = randomUUID(),
    credential = saveos.apiKey,
  }: { repositoryId?: string; credential?: string } = {}): Promise<Restic> {
    const restic = resticOn(saveos.resticAddress(repositoryId, credential), password, { cacert: saveos.authorityFile });
    await restic("init");
    return restic;
  }

  /** restic tries what was refused again for most of a minute: it has shown what it gets when it says so. */
  async function expectRefusal({ repository_id, credential }: RegisterResponse, ...args: string[]): Promise<void> {
    const globals = [
      "-r",
      saveos.resticAddress(repository_id, credential),
      "--no-cache",
      "--cacert",
      saveos.authorityFile,
    ];
    await using restic = startProgram("restic", [...globals, ...args], { env: { RESTIC_PASSWORD: password } });
    await restic.until(/Remove.*403/);
    // At an interrupt it removes its lock.
    expect((await restic.stop("SIGINT")).code).not.toBe(0);
  }

  /** The second backup has one file more and one file less, so that there is something to prune. */
  async function backUpTwice(restic: Restic, folder: string): Promise<void> {
    await mkdir(folder);
    await writeFile(join(folder, "first"), noise(2_000_000, 1));
    await writeFile(join(folder, "both"), prose(1_000_000, 2));
    await restic("backup", folder);
    await rm(join(folder, "first"));
    await writeFile(join(folder, "second"), noise(1_000_000, 3));
    await restic("backup", folder);
  }

  /** Resolves with the status; rejects if the connection breaks off. */
  async function sendOverTls(
    method: string,
    path: string,
    {
      body,
      cutAfterBytes,
      credential = saveos.apiKey,
    }: { body?: Uint8Array; cutAfterBytes?: number; credential?: string } = {},
  ): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const request = httpsRequest(new URL(path, saveos.server.httpsUrl), {
      method,
      ca: saveos.server.certificateAuthority,
      headers: {
        authorization: `Bearer ${credential}`,
        ...(body === undefined ? {} : { "content-type": "application/octet-stream", "content-length": body.length }),
      },
      agent: false,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    if (cutAfterBytes === undefined) request.end(body);
    else request.write(body?.subarray(0, cutAfterBytes), () => request.destroy());
    return await promise;
  }
}
