import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  createVaultRequest,
  type SealedPasswordOf,
  type SignedStatement,
  vault as vaultSchema,
} from "@saveos/contract";
import {
  formatPin,
  lockIdentity,
  makeIdentity,
  openSealedPassword,
  recipientOf,
  sealPassword,
  signStatement,
  verifyKeyOf,
} from "@saveos/vault";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { send } from "../../apps/server/src/testing/api-client.ts";
import { databaseUrlOf } from "../../apps/server/src/testing/fresh-server.ts";
import {
  type FreshDatabase,
  startTestDatabases,
  type TestDatabases,
} from "../../apps/server/src/testing/test-databases.ts";
import { administratorOf } from "../support/administrator.ts";
import { agentAt, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const passphrase = "wooden clock under seven rivers";
const newPassphrase = "eleven quiet lanterns over harbour";
const at = "2026-01-31T08:30:00.000Z";

interface Identity {
  readonly identity: string;
  readonly recipient: string;
  readonly verifyKey: string;
}

/** A server that was taken over shows what it likes: its database is changed under its hands. */
describe("a vault on a hostile server", () => {
  let temp: TempFolder;
  let databases: TestDatabases;
  let fresh: FreshDatabase;
  let saveos: SaveosServer;
  let machine: SaveosAgent;
  let repositoryId: string;
  let agentId: string;
  let vault: Identity;
  let thief: Identity;

  beforeAll(async () => {
    temp = await tempFolder();
    databases = await startTestDatabases();
    fresh = await databases.fresh();
    saveos = await startSaveosServer({ environment: { DATABASE_URL: databaseUrlOf(fresh.address) } });
    [vault, thief] = await Promise.all([newIdentity(), newIdentity()]);
    const locked_identity = await lockIdentity(vault.identity, passphrase);
    const body = {
      recipient: vault.recipient,
      verify_key: vault.verifyKey,
      passphrase: { label: "Ann", locked_identity },
    };
    expect((await call("POST", "", createVaultRequest.parse(body))).status).toBe(201);
    await writeFile(join(temp.path, "passphrase"), passphrase);
    await writeFile(join(temp.path, "new-passphrase"), newPassphrase);

    const administrator = administratorOf(saveos);
    machine = agentAt(join(temp.path, "machine"));
    const provisioned = await administrator.provision();
    agentId = provisioned.agentId;
    await register(machine, provisioned.enrolment);
    repositoryId = (await administrator.agent(agentId)).repository_id ?? "";
    await mkdir(join(temp.path, "files"));
  });
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await databases.stop();
    await temp[Symbol.asyncDispose]();
  });

  const call = async (method: string, path: string, body?: unknown) =>
    await send(saveos.server.httpUrl, method, `/api/v1/vault${path}`, { credential: saveos.apiKey, body });
  const shown = async () => vaultSchema.parse((await call("GET", "")).body);
  const sealed = async () => {
    const { body } = await call("GET", `/sealed-passwords?repository_id=${repositoryId}`);
    return (body as { sealed_passwords: SealedPasswordOf[] }).sealed_passwords;
  };
  const openAs = async (...more: string[]) =>
    await agentAt(join(temp.path, "ann"), { env: { SAVEOS_API_KEY: saveos.apiKey } }).attempt(
      "vault",
      "open",
      repositoryId,
      "--server",
      saveos.server.httpsUrl,
      "--cacert",
      saveos.authorityFile,
      "--password-to",
      "-",
      "--passphrase-file",
      join(temp.path, "passphrase"),
      ...more,
    );
  const show = async ({ recipient, verifyKey: verify_key }: Identity, rotation?: SignedStatement, generation = 1) => {
    const { database } = fresh;
    await database
      .updateTable("vaults")
      .set((update) => ({ recipient, verify_key, generation, version: update("version", "+", 1) }))
      .execute();
    await database.deleteFrom("vault_rotations").execute();
    if (rotation === undefined) return;
    const row = { generation: 2, signed: JSON.stringify(rotation), rotated_at: new Date() };
    await database.insertInto("vault_rotations").values(row).execute();
  };
  /** Says that `from` moves to `to`, with the signature of `by`. */
  const forgedRotation = async (by: Identity, from: Identity, to: Identity) => {
    const said = { to: to.recipient, to_verify_key: to.verifyKey, generation: 2, at };
    const { signature } = await signStatement(by.identity, { kind: "rotation", from: by.recipient, ...said });
    return { statement: JSON.stringify({ kind: "rotation", from: from.recipient, ...said }), signature };
  };
  const pinned = async (): Promise<unknown> => JSON.parse(await readFile(join(machine.home, "vault.json"), "utf8"));
  /** Lets the machine hear of the vault that the server shows, until it has refused it. */
  const listen = async () => {
    await using daemon = machine.start("daemon");
    await daemon.until("The server shows another vault");
    await daemon.stop();
  };

  test("that shows a vault of its own is refused by a machine, said so everywhere, and nothing is sealed to it", async () => {
    await show(thief);
    await listen();
    const said = await machine.attempt("status");
    expect(said.stdout).toMatch(/another vault .* than the one that this machine has pinned/s);
    expect(said.code).toBe(1);
    expect(await pinned()).toMatchObject({ recipient: vault.recipient });
    for (const each of await sealed())
      await expect(openSealedPassword(thief.identity, each.sealed)).rejects.toMatchObject({ code: "not-for-us" });
  });

  test("that forges the vault's signature for one of its own gets no further", async () => {
    await show(thief, await forgedRotation(thief, vault, thief), 2);
    await listen();
    expect(await pinned()).toMatchObject({ recipient: vault.recipient, generation: 1 });
    for (const each of await sealed())
      await expect(openSealedPassword(thief.identity, each.sealed)).rejects.toMatchObject({ code: "not-for-us" });
  });

  test("that shows a person another vault than their passphrase opens is found out", async () => {
    await show(thief);
    const { code, stderr } = await openAs();
    expect(code).toBe(1);
    expect(stderr).toContain("not the one that this passphrase opens");
    await show(vault);
    const opened = await openAs();
    expect(opened.stdout).toBe(`${(await secretsOf(machine)).repository_password}\n`);
  });

  test("that puts another repository's password in the place of the sealed one is found out", async () => {
    const other = { password: "guess", agentRecipient: thief.recipient, host: "web1" };
    const strange = await sealPassword(vault.recipient, {
      ...other,
      repositoryId: "11111111-0000-4000-8000-000000000000",
    });
    const before = await sealed();
    await fresh.database.updateTable("sealed_passwords").set({ sealed: strange }).execute();
    const { code, stderr } = await openAs();
    expect(code).toBe(1);
    expect(stderr).toContain("can be opened");
    await fresh.database
      .updateTable("sealed_passwords")
      .set({ sealed: before[0]?.sealed ?? "" })
      .execute();
  });

  test("and an agent that was taken over can't take the password away from those who own the vault", async () => {
    const { credential, repository_password: password } = await secretsOf(machine);
    const garbage = await sealPassword(vault.recipient, {
      password: "wrong",
      agentRecipient: thief.recipient,
      repositoryId,
      host: "web1",
    });
    const answer = await send(saveos.server.httpUrl, "PUT", "/api/v1/agents/sealed-password", {
      credential,
      body: { generation: 1, sealed: garbage },
    });
    expect(answer.status).toBe(204);
    const opened = await openAs();
    expect(opened.stdout).toBe(`${password}\n`);
    expect(opened.stderr).toContain("may have been taken over");
  });

  test("a rotation that was cut off after its first write is gone on with, and loses no machine", async () => {
    const next = await newIdentity();
    const rotation = await signStatement(vault.identity, {
      kind: "rotation",
      from: vault.recipient,
      to: next.recipient,
      to_verify_key: next.verifyKey,
      generation: 2,
      at,
    });
    const passphrases = [{ label: "Ann", locked_identity: await lockIdentity(next.identity, newPassphrase) }];
    expect((await call("POST", "/rotation", { rotation, passphrases })).status).toBe(201);
    await send(saveos.server.httpUrl, "POST", `/api/v1/agents/${agentId}/revoke`, { credential: saveos.apiKey });
    expect(await shown()).toMatchObject({ waiting: 1, is_rotating: true });

    const ann = agentAt(join(temp.path, "ann"), { env: { SAVEOS_API_KEY: saveos.apiKey } });
    const atServer = ["--server", saveos.server.httpsUrl, "--cacert", saveos.authorityFile];
    const resume = ["vault", "rotate", "--resume", "--passphrase-file", join(temp.path, "passphrase"), ...atServer];
    expect(await ann.json(...resume)).toMatchObject([{ resealed: 1, waiting: 0 }]);
    expect(await shown()).toMatchObject({ waiting: 0, is_rotating: false });
    const opened = await openAs("--passphrase-file", join(temp.path, "new-passphrase"));
    expect(opened.stdout).toBe(`${(await secretsOf(machine)).repository_password}\n`);
    expect((await ann.attempt(...resume)).stderr).toContain("not being rotated");
    const pin = { recipient: next.recipient, verifyKey: next.verifyKey, generation: 2 };
    const args = ["--pin", "--passphrase-file", join(temp.path, "new-passphrase")];
    expect((await ann("vault", "show", ...args, ...atServer)).trim()).toBe(formatPin(pin));
  });
});

async function newIdentity(): Promise<Identity> {
  const identity = await makeIdentity();
  return { identity, recipient: await recipientOf(identity), verifyKey: await verifyKeyOf(identity) };
}
