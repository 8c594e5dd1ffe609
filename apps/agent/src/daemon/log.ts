/** What the daemon says of itself, one sentence each: to a terminal, the journal, or a test. */
export interface Log {
  readonly info: (message: string) => void;
  readonly warn: (message: string) => void;
}
