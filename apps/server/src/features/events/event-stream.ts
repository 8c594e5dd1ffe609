import { PassThrough } from "node:stream";
import type { LiveEvent } from "@saveos/contract";
import type { FastifyReply } from "fastify";

/** A listener that doesn't read for so long is cut off and comes again by itself: what it missed is not kept for it. */
const unreadMaxBytes = 256 * 1024;

/** A browser that was cut off comes again after this. */
const retryMs = 2000;

/** One listener's answer without an end (HTML Standard, "Server-sent events"). */
export class EventStream {
  readonly #stream = new PassThrough();
  readonly #reply: FastifyReply;

  constructor(reply: FastifyReply) {
    this.#reply = reply;
    this.#write(`retry: ${retryMs}\n\n`);
  }

  /** Resolves when the head is on its way. */
  async begin(): Promise<FastifyReply> {
    return await this.#reply
      .headers({ "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" })
      .send(this.#stream);
  }

  /** Tells of an event; of none: some may have been missed. */
  tell(event: LiveEvent | undefined): void {
    this.#write(
      event === undefined ? "event: resync\ndata: {}\n\n" : `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`,
    );
  }

  /** Shows proxies and the listener that it isn't dead. */
  showLife(): void {
    this.#write(": alive\n\n");
  }

  /** Ends it in order. */
  end(): void {
    this.#stream.end();
  }

  #write(text: string): void {
    const { writableLength, readableLength, writableEnded } = this.#stream;
    // An end in order would wait until the listener has read all of it.
    if (writableLength + readableLength > unreadMaxBytes) this.#reply.raw.destroy();
    else if (!writableEnded) this.#stream.write(text);
  }
}
