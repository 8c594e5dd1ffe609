/** What the agents of a fleet lived through, since it was last looked at. */
export class FleetLog {
  /** How much later than its wait's end a heartbeat without an order was answered: ms. */
  heartbeatsMs: number[] = [];
  /** How long the first heartbeat of each session took, which asks for no wait: connection and session included. */
  entriesMs: number[] = [];
  reportsMs: number[] = [];
  heartbeats = 0;
  /** What went wrong, by what was said. */
  readonly failures = new Map<string, number>();

  failed(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }

  /** Begins a new stretch of time. Failures are kept: they count whenever they were. */
  restart(): void {
    this.heartbeatsMs = [];
    this.entriesMs = [];
    this.reportsMs = [];
    this.heartbeats = 0;
  }
}
