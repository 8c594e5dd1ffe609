import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loopbackServer } from "../testing/http-server.ts";
import { openStore } from "./open-store.ts";

test.each([
  ["/srv/repo", "/srv/repo"],
  ["repo", "repo"],
  ["./with:colon", "./with:colon"],
  ["C:\\backup", "C:\\backup"],
  ["c:/backup", "c:/backup"],
  ["local:/srv/repo", "/srv/repo"],
  ["local:with:colon", "with:colon"],
  ["rest:https://host/a", "rest:https://host/a/"],
  ["rest:https://joe:secret@host:8000/a/", "rest:https://host:8000/a/"],
  ["s3:https://host/bucket/a", "s3:https://host/bucket/a"],
  ["s3:host/bucket", "s3:https://host/bucket"],
  ["s3:s3.eu-west-3.amazonaws.com/bucket/a", "s3:https://s3.amazonaws.com/bucket/a"],
])("%s is opened as %s", (location, label) => {
  expect(openStore(location, { env: {} }).label).toBe(label);
});

test.each(["sftp:joe@host:/srv", "b2:bucket:path", "azure:c:/", "gs:bucket:/", "swift:c:/", "rclone:r:p"])(
  "%s is unsupported, and the error says what is",
  (location) => {
    const opening = () => openStore(location, { env: {} });
    expect(opening).toThrow(
      expect.objectContaining({ code: "unsupported", hint: expect.stringContaining("s3:https") }),
    );
  },
);

test.each(["", "local:", "https://joe:secret@host/", "with:colon", "rest:", "rest:host", "s3:", "s3:https://host"])(
  "%j is invalid-input, with a hint or a reason, and no secret",
  (location) => {
    const opening = () => openStore(location, { env: {} });
    expect(opening).toThrow(expect.objectContaining({ code: "invalid-input" }));
    expect(opening).not.toThrow("secret");
  },
);

test("a path is used as it is", async () => {
  const path = await mkdtemp(join(tmpdir(), "saveos-open-store-"));
  try {
    await openStore(join(path, "repo"), { env: {} }).create();
    expect(await readdir(join(path, "repo"))).toContain("snapshots");
  } finally {
    await rm(path, { recursive: true });
  }
});

test.each([
  ["from the environment", "", { RESTIC_REST_USERNAME: "ann", RESTIC_REST_PASSWORD: "pw" }, "ann:pw"],
  ["of the address before the environment's", "joe:secret@", { RESTIC_REST_USERNAME: "ann" }, "joe:secret"],
])("a REST server gets the credential %s", async (_, userInfo, env, credential) => {
  await using server = await loopbackServer((response) => void response.end("config"));
  await openStore(`rest:${server.origin.replace("://", `://${userInfo}`)}`, { env }).get("config");
  expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from(credential).toString("base64")}`);
});

test("a REST server gets the caller's headers, which win over all else, through the caller's fetch", async () => {
  const seen: (string | null)[] = [];
  const store = openStore("rest:https://host/", {
    env: { RESTIC_REST_USERNAME: "ann", RESTIC_REST_PASSWORD: "pw" },
    headers: { Authorization: "Bearer token" },
    fetch: async (_url, init) => {
      seen.push(new Headers(init.headers).get("Authorization"));
      return new Response("config");
    },
  });
  await store.get("config");
  expect(seen).toEqual(["Bearer token"]);
});

test("a bucket is asked with the key and region of the environment", async () => {
  await using server = await loopbackServer((response) => void response.end("config"));
  const env = {
    AWS_ACCESS_KEY_ID: "the-key",
    AWS_SECRET_ACCESS_KEY: "the-secret",
    AWS_SESSION_TOKEN: "the-session",
    AWS_DEFAULT_REGION: "eu-west-3",
  };
  await openStore(`s3:${server.origin}/bucket/a`, { env }).get("config");
  const [request] = server.requests;
  expect(request?.url).toMatch(/^\/bucket\/a\/config/);
  expect(request?.headers.authorization).toMatch(/Credential=the-key\/\d+\/eu-west-3\/s3/);
  expect(request?.headers["x-amz-security-token"]).toBe("the-session");
});

test("half a key in the environment is invalid-input, and says which half is missing", () => {
  const opening = () => openStore("s3:https://host/bucket", { env: { AWS_ACCESS_KEY_ID: "the-key" } });
  expect(opening).toThrow("AWS_SECRET_ACCESS_KEY is not set");
});
