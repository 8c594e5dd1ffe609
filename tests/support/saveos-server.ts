import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { restStore, type ObjectStore } from "@saveos/engine";
import { trustedFetch } from "../../apps/agent/src/daemon/trusted-fetch.ts";
import { startServer, type TestServer, type TestServerOptions } from "../../apps/server/src/testing/start-server.ts";
import type { S3Server } from "./s3-server/s3-server.ts";
import { tempFolder } from "./temp-folder.ts";

/** A whole SaveOS server with an administrator, and what a client from outside needs to reach it. */
export interface SaveosServer extends AsyncDisposable {
  readonly server: TestServer;
  /** The administrator's API key. */
  readonly apiKey: string;
  /** The file with the certificate authority, for `--cacert`. */
  readonly authorityFile: string;
  /** The address of a repository for restic, with a credential in it; the administrator's unless told. */
  resticAddress(repositoryId: string, credential?: string): string;
  /** The same as a store of the engine. */
  store(repositoryId: string, credential?: string): ObjectStore;
}

export async function startSaveosServer(options: TestServerOptions = {}): Promise<SaveosServer> {
  await using started = new AsyncDisposableStack();
  const temp = started.use(await tempFolder());
  const server = started.use(await startServer(options));
  const trusted = started.use(trustedFetch(server.certificateAuthority));
  const apiKey = await server.createApiKey();
  const authorityFile = join(temp.path, "authority.pem");
  await writeFile(authorityFile, server.certificateAuthority);
  const resticAddress = (repositoryId: string, credential = apiKey) =>
    `rest:${server.httpsUrl.replace("https://", `https://restic:${credential}@`)}/restic/${repositoryId}/`;
  const held = started.move();
  return {
    server,
    apiKey,
    authorityFile,
    resticAddress,
    store: (repositoryId, credential = apiKey) =>
      restStore({
        url: `${server.httpsUrl}/restic/${repositoryId}/`,
        fetch: trusted.fetch,
        headers: { authorization: `Bearer ${credential}` },
        streamUploads: true,
      }),
    [Symbol.asyncDispose]: async () => await held.disposeAsync(),
  };
}

/** The server's settings for a bucket of an S3 server. */
export async function settingsOfBucket(s3: S3Server): Promise<Readonly<Record<string, string>>> {
  return {
    SAVEOS_S3_ENDPOINT: s3.endpoint,
    SAVEOS_S3_BUCKET: await s3.newBucket(),
    SAVEOS_S3_REGION: s3.region,
    SAVEOS_S3_ACCESS_KEY_ID: s3.accessKeyId,
    SAVEOS_S3_SECRET_ACCESS_KEY: s3.secretAccessKey,
    SAVEOS_S3_PATH_STYLE: "true",
  };
}
