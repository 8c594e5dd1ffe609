import { expect, test } from "vitest";
import { readConfig } from "./config.ts";

test("without any setting the server keeps all in ./data and listens where agents can reach it", () => {
  const config = readConfig({});
  expect(config).toMatchObject({ listenAddress: "0.0.0.0", httpsPort: 8000, httpPort: 3000, logLevel: "warn" });
  expect(config.dataFolder).toBe(`${process.cwd()}/data`);
  expect(config.objects).toEqual({ kind: "folder", path: `${process.cwd()}/data/objects` });
  expect(config.databaseUrl).toBeUndefined();
});

test("an empty setting is one that isn't set", () => {
  expect(readConfig({ SAVEOS_HTTPS_PORT: "", DATABASE_URL: "", SAVEOS_S3_BUCKET: "" })).toEqual(readConfig({}));
});

test("port 0 asks for any free port", () => {
  expect(readConfig({ SAVEOS_HTTPS_PORT: "0" }).httpsPort).toBe(0);
});

test("the first of several host names is the one that agents are given", () => {
  const config = readConfig({ SAVEOS_HOSTNAME: "backup.example.org, 10.0.0.5" });
  expect(config.publicName).toBe("backup.example.org");
  expect(config.names).toEqual(expect.arrayContaining(["backup.example.org", "10.0.0.5"]));
});

test.each([
  ["SAVEOS_HTTPS_PORT", "eight thousand"],
  ["SAVEOS_HTTPS_PORT", "70000"],
  ["SAVEOS_HTTP_PORT", "-1"],
  ["SAVEOS_LISTEN", "everywhere"],
  ["SAVEOS_HOSTNAME", "https://backup.example.org/"],
  ["DATABASE_URL", "mysql://there"],
  ["SAVEOS_S3_ENDPOINT", "ftp://there"],
  ["SAVEOS_LOG_LEVEL", "loud"],
])("%s=%s is refused by its name", (name, value) => {
  expect(() => readConfig({ [name]: value })).toThrow(name);
});

test("every wrong setting is named at once", () => {
  expect(() => readConfig({ SAVEOS_HTTPS_PORT: "x", SAVEOS_LOG_LEVEL: "x" })).toThrow(
    /SAVEOS_HTTPS_PORT.*SAVEOS_LOG_LEVEL/,
  );
});

test("a wrong setting's value is not repeated: it may hold a password", () => {
  const url = "postgres//user:hunter2@host/db";
  expect(() => readConfig({ DATABASE_URL: url })).toThrow(expect.not.stringContaining("hunter2"));
});

test("objects go to a bucket when one is named", () => {
  const objects = readConfig({
    SAVEOS_S3_BUCKET: "backups",
    SAVEOS_S3_ENDPOINT: "http://127.0.0.1:9000",
    SAVEOS_S3_ACCESS_KEY_ID: "id",
    SAVEOS_S3_SECRET_ACCESS_KEY: "secret",
    SAVEOS_S3_PATH_STYLE: "true",
  }).objects;
  expect(objects).toMatchObject({ kind: "s3", bucket: "backups", region: "us-east-1", pathStyle: true });
});

test("an S3 endpoint without a bucket is refused, rather than filling the local disk", () => {
  expect(() => readConfig({ SAVEOS_S3_ENDPOINT: "http://127.0.0.1:9000" })).toThrow("SAVEOS_S3_BUCKET");
});

test("half an S3 credential is refused", () => {
  expect(() => readConfig({ SAVEOS_S3_BUCKET: "backups", SAVEOS_S3_ACCESS_KEY_ID: "id" })).toThrow(
    "SAVEOS_S3_SECRET_ACCESS_KEY",
  );
});
