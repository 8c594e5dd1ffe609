import { readdir, readFile, stat } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mustRun } from "../support/run.ts";

export interface VectorServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** Requests for a part of an object so far. */
  rangesServed(): number;
}

const vectors = fileURLToPath(new URL("../../packages/engine/vectors/", import.meta.url));

/**
 * Serves on loopback: the golden vectors; under `/repository/` the fixture that stock restic wrote, unpacked into `folder`, in the reading half of
 * restic's REST protocol, version 2; and a page that runs `script`.
 */
export async function serveVectors(folder: string, script: string): Promise<VectorServer> {
  await mustRun("tar", ["-xzf", join(vectors, "saveos-v2-restic0.14.tar.gz"), "-C", folder]);
  let ranges = 0;

  async function answer({ url = "/", method, headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const respond = (type: string, body: string | Uint8Array) =>
      response
        .writeHead(200, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) })
        .end(method === "HEAD" ? undefined : body);
    if (url === "/")
      respond("text/html", '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>');
    else if (url === "/page.js") respond("text/javascript", script);
    else if (url === "/golden-tree.json")
      respond("application/json", await readFile(join(vectors, "golden-tree.json")));
    else if (url === "/expected.json")
      respond("application/json", await readFile(join(vectors, "saveos-v2-restic0.14.expected.json")));
    else if (/^\/repository\/(data|index|keys|locks|snapshots)\/$/.test(url))
      respond("application/vnd.x.restic.rest.v2", JSON.stringify(await listed(url.slice("/repository/".length, -1))));
    else if (/^\/repository\/(config|(data|index|keys|snapshots)\/[0-9a-f]{64})$/.test(url)) {
      const bytes = await readFile(pathOf(url.slice("/repository/".length)));
      const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
      if (!range) return void respond("application/octet-stream", bytes);
      const [start, last] = [Number(range[1]), Number(range[2])];
      ranges += 1;
      response
        .writeHead(206, {
          "Content-Range": `bytes ${start}-${last}/${bytes.length}`,
          "Content-Length": last + 1 - start,
        })
        .end(bytes.subarray(start, last + 1));
    } else response.writeHead(404).end();
  }

  async function listed(kind: string): Promise<{ name: string; size: number }[]> {
    const files: { name: string; size: number }[] = [];
    for (const entry of await readdir(join(folder, "v2", kind), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) files.push({ name: entry.name, size: (await stat(join(entry.parentPath, entry.name))).size });
    return files;
  }

  /** Packs lie in folders named for their first two digits. */
  function pathOf(name: string): string {
    return join(folder, "v2", name.replace(/^data\/(..)/, "data/$1/$1"));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    rangesServed: () => ranges,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
