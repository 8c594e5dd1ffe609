/** An open file that is gone when it is closed, unless a store has given it a name. Any thread of the process may use it. */
export interface UnnamedFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
}
