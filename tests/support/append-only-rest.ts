import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { isEngineError, type ObjectKind, type ObjectName, type ObjectStore } from "@saveos/engine";

export interface AppendOnlyRest extends AsyncDisposable {
  /** For `-r`. */
  readonly repository: string;
}

/** A REST server that lets everybody delete locks, and of the rest what `mayDelete` says: for what programs do when a deletion is refused. */
export async function appendOnlyRest(
  store: ObjectStore,
  mayDelete: (name: ObjectName) => boolean = () => false,
): Promise<AppendOnlyRest> {
  const answer = async (request: IncomingMessage): Promise<{ status: number; body?: Uint8Array | string }> => {
    const name = (request.url ?? "").split("?")[0]?.replace(/^\/+/, "") ?? "";
    if (name.endsWith("/")) {
      const objects = await Array.fromAsync(store.list(name.slice(0, -1) as ObjectKind));
      return { status: 200, body: JSON.stringify(objects.map(({ id, sizeBytes }) => ({ name: id, size: sizeBytes }))) };
    }
    const object = name as ObjectName;
    if (request.method === "DELETE") {
      if (!object.startsWith("locks/") && !mayDelete(object)) return { status: 403 };
      await store.delete(object);
      return { status: 200 };
    }
    if (request.method === "POST") {
      await store.put(object, new Uint8Array(Buffer.concat(await Array.fromAsync(request))));
      return { status: 200 };
    }
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const bytes = await store.get(object);
    return start === undefined
      ? { status: 200, body: bytes }
      : { status: 206, body: bytes.slice(Number(start), Number(end) + 1) };
  };
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, body = "" }) =>
        response
          .writeHead(status, { "content-type": "application/vnd.x.restic.rest.v2", "content-length": body.length })
          .end(request.method === "HEAD" ? "" : body),
      (error: unknown) => response.writeHead(isEngineError(error, "not-found") ? 404 : 500).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    repository: `rest:http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
