import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came, its body read. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
}

export interface LoopbackServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly requests: readonly SeenRequest[];
}

/** A network that misbehaves as `answer` says: for what a store does when its server fails. It stands for no product. */
export async function loopbackServer(
  answer: (response: ServerResponse, request: SeenRequest) => void | Promise<void>,
): Promise<LoopbackServer> {
  const requests: SeenRequest[] = [];
  const listener = async (incoming: IncomingMessage, response: ServerResponse) => {
    const parts: Uint8Array[] = [];
    for await (const part of incoming) parts.push(part);
    const { method = "", url = "", headers } = incoming;
    const seen = { method, url, headers, body: new Uint8Array(Buffer.concat(parts)) };
    requests.push(seen);
    await answer(response, seen);
  };
  const server = createServer((incoming, response) => {
    // Clients leave in the middle in some tests: that is theirs to see.
    listener(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
