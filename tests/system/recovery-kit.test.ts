import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { administratorOf } from "../support/administrator.ts";
import { manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { mustRun, run } from "../support/run.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, register, type SaveosAgent } from "../support/saveos-agent.ts";
import { startSaveosServer } from "../support/saveos-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

const passphrase = "wooden clock under seven rivers";

/** The server is gone, and what is left is its disk, the printed page, and what a person knows. */
describeWith(["restic", "age"], "a recovery kit", () => {
  let temp: TempFolder;
  let ann: SaveosAgent;
  let page: string;
  const file = (name: string) => join(temp.path, name);

  beforeAll(async () => {
    temp = await tempFolder();
    await mkdir(file("source"));
    await writeFile(file("source/notes.txt"), prose(50_000, 1));
    await writeFile(file("source/photo.jpg"), noise(300_000, 2));
    await writeFile(file("passphrase"), passphrase);
    await using saveos = await startSaveosServer({ dataFolder: file("data") });
    ann = agentAt(file("ann"), { env: { SAVEOS_API_KEY: saveos.apiKey } });
    const atServer = ["--server", saveos.server.httpsUrl, "--cacert", saveos.authorityFile];
    await ann("vault", "init", ...atServer, "--label", "Ann", "--passphrase-file", file("passphrase"));
    const machine = agentAt(file("machine"));
    const { enrolment } = await administratorOf(saveos).provision();
    await register(machine, enrolment);
    await machine("backup", file("source"));
    const to = ["--storage", file("data/objects"), "--language", "fr", "--output", file("kit.html")];
    await ann("vault", "kit", ...atServer, ...to);
    page = await readFile(file("kit.html"), "utf8");
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("opens and restores everything by its own steps, with stock age and restic alone", async () => {
    const folder = file("stock");
    // Nothing of SaveOS is on the way to programs.
    const programs = file("programs");
    await mkdir(folder);
    await mkdir(programs);
    for (const name of ["age", "restic", "bash", "cat", "head", "rm", "script", "sh", "ls"])
      await symlink((await mustRun("sh", ["-c", `command -v ${name}`])).trim(), join(programs, name));
    const env = { PATH: programs, RESTIC_CACHE_DIR: file("cache"), SHELL: join(programs, "bash") };
    for (const kind of ["identity", "password", "list", "restore"] as const)
      for (const command of stepsIn(page, kind)) {
        const step = join(folder, "step.sh");
        await writeFile(step, `set -euo pipefail\n${command}\n`);
        // age asks on a terminal.
        const typed = await run(join(programs, "script"), ["-qec", "bash step.sh", "/dev/null"], {
          cwd: folder,
          env,
          input: kind === "identity" ? `${passphrase}\n` : "",
        });
        expect(typed.code, `${command}\n${typed.stdout}`).toBe(0);
      }
    const [restored = ""] = (await mustRun("sh", ["-c", "ls -d restored-*"], { cwd: folder })).trim().split("\n");
    expect(await manifestOf(join(folder, restored, file("source")))).toEqual(await manifestOf(file("source")));
  });

  test("opens and restores everything with saveos-agent recover, which asks no server", async () => {
    const args = ["recover", file("kit.html"), "--vault-passphrase-file", file("passphrase")];
    await agentAt(file("elsewhere"))(...args, "--target", file("recovered"));
    expect(await manifestOf(join(file("recovered"), file("source")))).toEqual(await manifestOf(file("source")));
  });

  test("opens nothing with another passphrase, and says whose is wanted", async () => {
    await writeFile(file("wrong"), "not this one at all");
    const elsewhere = agentAt(file("elsewhere"));
    const args = ["recover", file("kit.html"), "--target", file("nothing"), "--vault-passphrase-file", file("wrong")];
    const { code, stderr } = await elsewhere.attempt(...args);
    expect(code).toBe(12);
    expect(stderr).toContain("passphrase of Ann");
  });

  test("says which machines it has when another is named, and what is no kit", async () => {
    const elsewhere = agentAt(file("elsewhere"));
    const other = await elsewhere.attempt("recover", file("kit.html"), "-m", "db", "-t", file("nothing"));
    expect(other.code).toBe(1);
    expect(other.stderr).toContain(`No machine of the kit is db. The kit has ${hostname()} (`);
    const none = await elsewhere.attempt("recover", file("source/notes.txt"), "-t", file("nothing"));
    expect(none.stderr).toContain("is no recovery kit");
  });

  test("is in French where French was asked for, and holds no key in the clear", () => {
    expect(page).toContain("Kit de récupération");
    expect(page).not.toMatch(/AGE-SECRET-KEY/);
  });
});

/** What the page says to type for one step. */
function stepsIn(page: string, kind: string): string[] {
  return [...page.matchAll(/<pre data-step="([a-z-]+)">([\s\S]*?)<\/pre>/g)]
    .filter(([, step]) => step === kind)
    .map(([, , text = ""]) =>
      text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&"),
    );
}
