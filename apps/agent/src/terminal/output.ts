/** Where text goes: standard output, standard error, or a test's memory. */
export interface Output {
  readonly isTerminal: boolean;
  /** The width in columns now; terminals are resized. */
  readonly columns: number;
  /** Resolves when the reader can take more: whoever writes much awaits it. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Wide enough for the tables, narrow enough for any log viewer. */
const columnsWithoutTerminal = 100;

/** An output on a stream of the process. */
export function streamOutput(stream: NodeJS.WriteStream): Output {
  // One wait for all who write meanwhile.
  let room: Promise<void> | undefined;
  return {
    isTerminal: stream.isTTY,
    get columns() {
      return stream.columns || columnsWithoutTerminal;
    },
    write: async (data) => {
      if (stream.write(data)) return;
      room ??= untilRoom(stream).finally(() => (room = undefined));
      await room;
    },
  };
}

/** Resolves when the stream takes more, or never will: the error handler in `main.ts` ends the process then. */
async function untilRoom(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = () => {
      stream.off("drain", end).off("close", end);
      resolve();
    };
    stream.on("drain", end).on("close", end);
  });
}
