/** Where one run of all machines begins: one machine after the other, from the opening on. */
export interface Window {
  readonly opensAtMs: number;
  readonly closesAtMs: number;
  /** Each machine begins less than this after the opening; 0: all begin at once. */
  readonly spreadMs: number;
}
