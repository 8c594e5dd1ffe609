import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { password } from "../support/engine.ts";
import { manifestOf } from "../support/manifest.ts";
import { describeWith } from "../support/missing-peers.ts";
import { resticOn } from "../support/restic.ts";
import { noise, prose } from "../support/sample-tree.ts";
import { agentAt, type SaveosAgent } from "../support/saveos-agent.ts";
import { s3Environment, s3Server } from "../support/s3-server/s3-server.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

describeWith(["restic", "an S3 server", "extended attributes"], "saveos-agent alone on a bucket", () => {
  let temp: TempFolder;
  let agent: SaveosAgent;
  let env: Record<string, string>;
  let source: string;

  beforeAll(async () => {
    temp = await tempFolder();
    const server = await s3Server();
    const RESTIC_REPOSITORY = `s3:${server.endpoint}/${await server.newBucket()}/some/where`;
    env = { ...s3Environment(server), RESTIC_REPOSITORY, RESTIC_PASSWORD: password };
    agent = agentAt(join(temp.path, "home"), { env });
    source = join(temp.path, "source");
    await mkdir(source);
    await writeFile(join(source, "noise"), noise(9_000_000, 1));
    await writeFile(join(source, "prose"), prose(2_000_000, 2));
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test("makes a repository there, backs up and restores", async () => {
    await agent("init");
    await agent("backup", source);
    await agent("check", "--read-data");
    await agent("restore", "latest", "--target", join(temp.path, "ours"));
    expect(await manifestOf(join(temp.path, "ours", source))).toEqual(await manifestOf(source));
  });

  test("leaves what stock restic finds nothing wrong with, and restores", async () => {
    const restic = resticOn(env["RESTIC_REPOSITORY"] ?? "", password, { env });
    await restic("check", "--read-data");
    await restic("restore", "latest", "--target", join(temp.path, "theirs"));
    expect(await manifestOf(join(temp.path, "theirs", source))).toEqual(await manifestOf(source));
    await restic("backup", source);
    expect((await agent.json("snapshots")).flat()).toHaveLength(2);
  });

  test("says what is wrong when the bucket can't be used", async () => {
    const stranger = agent.with({ env: { AWS_SECRET_ACCESS_KEY: "wrong" } });
    const { code, stderr } = await stranger.attempt("snapshots");
    expect(code).toBe(1);
    expect(stderr).toMatch(/key/i);
    expect((await agent.attempt("-r", `${env["RESTIC_REPOSITORY"]}/else`, "snapshots")).code).toBe(10);
  });
});
