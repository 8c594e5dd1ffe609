import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { jobAccepted, passphraseList, rotationProgress, vault as vaultSchema } from "@saveos/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Administrator, administratorOf } from "../support/administrator.ts";
import { describeWith } from "../support/missing-peers.ts";
import { mustRun } from "../support/run.ts";
import { agentAt, jsonLines, register, type SaveosAgent, secretsOf } from "../support/saveos-agent.ts";
import { type SaveosServer, startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { send } from "../../apps/server/src/testing/api-client.ts";

const passphrases = {
  ann: "wooden clock under seven rivers",
  annAnew: "eleven quiet lanterns over harbour",
  bob: "vieille tortue mange cactus bleu",
};

/** One story, told in order: an owner makes a vault, machines seal to it, others open it, it moves, and nobody gets in between. */
describeWith(["restic"], "a vault", () => {
  let temp: TempFolder;
  let saveos: SaveosServer;
  let administrator: Administrator;
  /** The machine of who administers: not enrolled. */
  let ann: SaveosAgent;
  let machine: SaveosAgent;
  let repositoryId: string;
  let agentId: string;
  let pin: string;

  beforeAll(async () => {
    temp = await tempFolder();
    saveos = await startSaveosServer();
    administrator = administratorOf(saveos);
    ann = agentAt(join(temp.path, "ann"), { env: { SAVEOS_API_KEY: saveos.apiKey } });
    machine = agentAt(join(temp.path, "machine"));
    for (const [name, passphrase] of Object.entries(passphrases))
      await writeFile(join(temp.path, `${name}.passphrase`), passphrase);
    await mkdir(join(temp.path, "source"));
    await writeFile(join(temp.path, "source/notes.txt"), "what nobody else's business is\n");
  });
  afterAll(async () => {
    await saveos[Symbol.asyncDispose]();
    await temp[Symbol.asyncDispose]();
  });

  const file = (name: string) => join(temp.path, name);
  const secret = (whose: keyof typeof passphrases) => file(`${whose}.passphrase`);
  const atServer = () => ["--server", saveos.server.httpsUrl, "--cacert", saveos.authorityFile];
  const vault = async (...args: string[]) => await ann.json("vault", ...args, ...atServer());
  const attempt = async (...args: string[]) => await ann.attempt("vault", ...args, ...atServer());
  const ask = async (path: string) =>
    (await send(saveos.server.httpUrl, "GET", `/api/v1/vault${path}`, { credential: saveos.apiKey })).body;
  const shown = async () => vaultSchema.parse(await ask(""));
  /** What stock restic says of the repository, with the password in a file. */
  const resticFiles = async (passwordFile: string) =>
    await mustRun("restic", [
      "-r",
      saveos.resticAddress(repositoryId),
      "--cacert",
      saveos.authorityFile,
      "--password-file",
      passwordFile,
      "ls",
      "latest",
    ]);

  test("a weak passphrase is refused before anything is made", async () => {
    await writeFile(file("weak"), "motdepasse2024");
    const { code, stderr } = await attempt("init", "--label", "Ann", "--passphrase-file", file("weak"));
    expect(code).toBe(1);
    expect(stderr).toContain("too easy to guess");
    expect((await send(saveos.server.httpUrl, "GET", "/api/v1/vault", { credential: saveos.apiKey })).status).toBe(404);
  });

  test("an owner makes it, once", async () => {
    const [made] = (await vault("init", "--label", "Ann", "--passphrase-file", secret("ann"))) as { pin: string }[];
    pin = made?.pin ?? "";
    expect(pin).toMatch(/^saveos-vault:1:age1/);
    expect(await shown()).toMatchObject({
      generation: 1,
      passphrases: 1,
      sealed_repositories: 0,
      names_visible: false,
    });
    const again = await attempt("init", "--label", "Ann", "--passphrase-file", secret("ann"));
    expect(again.stderr).toContain("There is a vault already");
  });

  test("a machine that enrols has it pinned, and its password is there, sealed", async () => {
    const provisioned = await administrator.provision();
    agentId = provisioned.agentId;
    await register(machine, provisioned.enrolment);
    await machine("backup", file("source"));
    repositoryId = (await administrator.agent(agentId)).repository_id ?? "";
    expect((await stat(join(machine.home, "vault.json"))).mode & 0o777).toBe(0o600);
    expect(await shown()).toMatchObject({ sealed_repositories: 1 });
    const [status] = (await machine.json("status")) as { vault: unknown }[];
    expect(status?.vault).toMatchObject({ recipient: (await shown()).recipient, generation: 1, trouble: null });
  });

  test("another administrator has a passphrase of their own, and opens the repository with it and stock restic", async () => {
    await vault("add-passphrase", "Bob", "--passphrase-file", secret("ann"), "--new-passphrase-file", secret("bob"));
    const withBob = ["--label", "Bob", "--passphrase-file", secret("bob")];
    await vault("open", repositoryId, ...withBob, "--password-to", file("opened"));
    expect((await stat(file("opened"))).mode & 0o777).toBe(0o600);
    const { repository_password: password } = await secretsOf(machine);
    expect(await readFile(file("opened"), "utf8")).toBe(`${password}\n`);
    expect(await resticFiles(file("opened"))).toContain("notes.txt");
    const again = await attempt("open", repositoryId, ...withBob, "--password-to", file("opened"));
    expect(again.stderr).toContain("EEXIST");
  });

  test("a program gets it on standard output, by the machine's name", async () => {
    const args = ["--label", "Ann", "--passphrase-file", secret("ann"), "--password-to", "-"];
    const printed = await ann("vault", "open", hostname(), ...args, ...atServer());
    expect(printed).toBe(await readFile(file("opened"), "utf8"));
  });

  test("what one machine is to restore is sealed to it by the vault alone, and the server can't read it", async () => {
    const notes = file("source/notes.txt");
    const args = ["--label", "Ann", "--passphrase-file", secret("ann")];
    const [made] = (await vault("seal-restore", hostname(), notes, ...args)) as {
      sealed: string;
      snapshot_id: string;
    }[];
    const missing = await attempt("seal-restore", hostname(), "/not/there", ...args);
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("/not/there is not in the snapshot")]);
    await using daemon = machine.start("daemon");
    const order = { agent_id: agentId, snapshot_id: made?.snapshot_id, sealed: made?.sealed, target: file("restored") };
    const { body } = await send(saveos.server.httpUrl, "POST", "/api/v1/restore", {
      credential: saveos.apiKey,
      body: order,
    });
    expect(await administrator.untilJob(jobAccepted.parse(body).job_id)).toMatchObject({ state: "completed" });
    await daemon.stop();
    expect(await readFile(join(file("restored"), notes), "utf8")).toContain("nobody else's business");
  });

  test("a wrong passphrase is said to be wrong, counted, and shown to the others", async () => {
    const { code, stderr } = await attempt(
      "open",
      repositoryId,
      "--label",
      "Bob",
      "--passphrase-file",
      secret("ann"),
      "--password-to",
      "-",
    );
    expect(code).toBe(12);
    expect(stderr).toContain("not the passphrase of Bob");
    const { passphrases: all } = passphraseList.parse(await ask("/passphrases"));
    expect(all.map(({ label, wrong_tries }) => [label, wrong_tries])).toEqual([
      ["Ann", 0],
      ["Bob", 1],
    ]);
    expect(await ann("vault", "show", ...atServer())).toMatch(/Bob .*1\n/);
  });

  test("with several passphrases it must be said which", async () => {
    const { stderr } = await attempt("show", "--pin", "--passphrase-file", secret("ann"));
    expect(stderr).toContain("Ann, Bob");
    const args = ["--pin", "--label", "Ann", "--passphrase-file", secret("ann")];
    expect((await ann("vault", "show", ...args, ...atServer())).trim()).toBe(pin);
  });

  test("who owns the server may let it see names, and machines hear of it from the vault itself", async () => {
    await using daemon = machine.start("daemon");
    await vault("names", "show", "--label", "Ann", "--passphrase-file", secret("ann"));
    expect(await shown()).toMatchObject({ names_visible: true });
    await untilStatus(machine, ({ names_visible: isVisible }) => isVisible);
    await vault("names", "hide", "--label", "Ann", "--passphrase-file", secret("ann"));
    await untilStatus(machine, ({ names_visible: isVisible }) => !isVisible);
    await daemon.stop();
  });

  test("the vault moves to a new identity: what is there is sealed again at once, and the machine follows by itself", async () => {
    const args = ["--label", "Ann", "--passphrase-file", secret("ann"), "--new-passphrase-file", secret("annAnew")];
    await vault("rotate", ...args);
    expect(await shown()).toMatchObject({ generation: 2, is_rotating: true, waiting: 1, passphrases: 1 });
    const progress = rotationProgress.parse(await ask("/rotation"));
    expect(progress).toMatchObject({
      is_done: false,
      agents: [{ agent_id: agentId, sealed_generation: 2 }],
      repositories: [],
    });
    const open = ["open", repositoryId, "--label", "Ann", "--passphrase-file", secret("annAnew")];
    await vault(...open, "--password-to", file("resealed"));
    expect(await resticFiles(file("resealed"))).toContain("notes.txt");

    await using daemon = machine.start("daemon");
    while ((await shown()).is_rotating) await sleep(50);
    await daemon.stop();
    expect(await shown()).toMatchObject({ generation: 2, waiting: 0, passphrases: 1, sealed_repositories: 1 });
    expect(await machine.json("status")).toMatchObject([{ vault: { generation: 2, trouble: null } }]);
    const { passphrases: all } = passphraseList.parse(await ask("/passphrases"));
    expect(all.map(({ label, generation }) => [label, generation])).toEqual([["Ann", 2]]);
    const old = await attempt(
      "open",
      repositoryId,
      "--label",
      "Ann",
      "--passphrase-file",
      secret("ann"),
      "--password-to",
      "-",
    );
    expect(old.code).toBe(12);
    await vault(...open, "--password-to", file("after"));
    expect(await readFile(file("after"), "utf8")).toBe(await readFile(file("opened"), "utf8"));
  });

  test("a machine that was enrolled without a vault seals to none until somebody there pins it", async () => {
    const late = agentAt(join(temp.path, "late"));
    const { enrolment } = await administrator.provision();
    const { vault: _, ...withoutVault } = enrolment;
    await mkdir(late.home);
    await writeFile(join(late.home, "enrolment.json"), JSON.stringify(enrolment));
    const other = await late.attempt("register", join(late.home, "enrolment.json"), "--vault", pin);
    expect(other.stderr).toContain("names another vault than --vault");
    await register(late, withoutVault);
    await using daemon = late.start("daemon");
    await untilStatus(late, ({ trouble }) => trouble?.includes("pinned none") === true);
    expect(await shown()).toMatchObject({ sealed_repositories: 1 });
    const args = ["--pin", "--label", "Ann", "--passphrase-file", secret("annAnew")];
    await late("vault", "pin", (await ann("vault", "show", ...args, ...atServer())).trim());
    expect(await shown()).toMatchObject({ sealed_repositories: 2 });
    await untilStatus(late, ({ trouble }) => trouble === null);
    await daemon.stop();
  });
});

interface VaultStatus {
  readonly names_visible: boolean;
  readonly trouble: string | null;
}

async function untilStatus(agent: SaveosAgent, condition: (vault: VaultStatus) => boolean): Promise<void> {
  for (;;) {
    // It ends with 1 where the vault needs a person.
    const [status] = jsonLines((await agent.attempt("status", "--json")).stdout) as { vault: VaultStatus }[];
    if (status !== undefined && condition(status.vault)) return;
    await sleep(50);
  }
}
