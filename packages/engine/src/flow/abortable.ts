/** Every long action takes a signal. It ends by throwing the signal's reason. */
export interface Abortable {
  readonly signal?: AbortSignal | undefined;
}
