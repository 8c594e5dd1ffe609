import type { FastifyBaseLogger } from "fastify";
import { sql } from "kysely";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import type { ObjectStorage } from "../../object-store/index.ts";
import { errorText } from "../../server-error.ts";
import { claimObjects } from "./claim-objects.ts";
import type { ReadingDeps } from "./deps.ts";
import { openFindingsOfLost } from "./findings.ts";
import type { Load } from "./load.ts";
import { followRepairs } from "./follow-repairs.ts";
import { lookAgain } from "./look-again.ts";
import { orderRepairs } from "./order-repairs.ts";
import { Pace, realStopwatch, type Stopwatch } from "./pace.ts";
import { dueAfterMs, politeSpeed } from "./speed.ts";
import { countReading } from "./count-reading.ts";
import { verifyClaim } from "./verify-claim.ts";

export interface VerifierDeps {
  readonly databases: Databases;
  readonly objects: ObjectStorage;
  readonly clock: Clock;
  readonly log: Pick<FastifyBaseLogger, "info" | "warn" | "error">;
  readonly load: Pick<Load, "isBusy">;
  /** The most that this process reads in a second. */
  readonly maxBytesPerSecond: number;
  readonly stopwatch?: Stopwatch;
}

/** Between two looks for something to do. */
const idleMs = 5000;
/** A storage or database that is away is asked again after this. */
const outageMs = 60_000;
/** A repository of which nothing could be read is left alone this long. */
const unreachableMs = 10 * 60 * 1000;
/** What is done about findings is decided this often. */
const findingsEveryMs = 5000;

/** Reads everything that is stored again, of all tenants, oldest first. Any number of processes may do it at once. */
export class Verifier {
  readonly #deps: VerifierDeps;
  readonly #stopwatch: Stopwatch;
  readonly #pace: Pace;
  /** Until when nothing of a repository is read, by the stopwatch. */
  readonly #unreachable = new Map<string, number>();
  #readBytes = 0;
  #storedBytes = 0;
  #hasRunningJobs = false;
  #lookedAtFindings = -Infinity;

  constructor(deps: VerifierDeps) {
    this.#deps = deps;
    this.#stopwatch = deps.stopwatch ?? realStopwatch;
    this.#pace = new Pace(() => this.bytesPerSecond, this.#stopwatch);
  }

  /** How fast it may read at this moment: within the budget, and no faster than it must while others want something. */
  get bytesPerSecond(): number {
    const { maxBytesPerSecond, load } = this.#deps;
    const isBusy = this.#hasRunningJobs || load.isBusy();
    return isBusy ? Math.min(maxBytesPerSecond, politeSpeed(this.#storedBytes)) : maxBytesPerSecond;
  }

  /** All that it has read so far. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Repositories of which nothing could be read when it was last tried. */
  get unreachable(): readonly string[] {
    const now = this.#stopwatch.now();
    for (const [id, until] of this.#unreachable) if (until <= now) this.#unreachable.delete(id);
    return [...this.#unreachable.keys()];
  }

  /** Works until `signal` says to stop. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = 0;
      try {
        pauseMs = (await this.turn(signal)) ? 0 : idleMs;
      } catch (error) {
        if (signal.aborted) return;
        this.#deps.log.error({ reason: errorText(error) }, "verification can't go on for a while");
        pauseMs = outageMs;
      }
      if (pauseMs > 0) await this.#stopwatch.wait(pauseMs, signal).catch(() => undefined);
    }
  }

  /** Does the next piece of work: of the tenant that has waited for the longest time and has something to do. False if there was nothing. */
  async turn(signal: AbortSignal): Promise<boolean> {
    const turns = await this.#turns();
    const dueBefore = this.#deps.clock.now().getTime() - dueAfterMs;
    if (this.#stopwatch.now() - this.#lookedAtFindings >= findingsEveryMs) {
      this.#lookedAtFindings = this.#stopwatch.now();
      for (const { tenantId, hasFindings } of turns) if (hasFindings) await this.#lookAtFindings(tenantId, signal);
    }
    for (const { tenantId, oldest, hasRequest } of turns) {
      if (!hasRequest && (oldest === null || oldest.getTime() >= dueBefore)) continue;
      if (await this.#verify(tenantId, signal)) return true;
    }
    return false;
  }

  /** All tenants, first those with a request, then by their oldest byte. */
  async #turns(): Promise<{ tenantId: string; oldest: Date | null; hasRequest: boolean; hasFindings: boolean }[]> {
    const { rows } = await sql<Turn>`
      select tenant_id, stored_bytes, oldest, has_request, has_running_job, has_findings from verification_turns()
      order by has_request desc, oldest nulls last`.execute(this.#deps.databases.door);
    this.#storedBytes = rows.reduce((sum, { stored_bytes }) => sum + Number(stored_bytes), 0);
    this.#hasRunningJobs = rows.some(({ has_running_job }) => has_running_job);
    return rows.map(({ tenant_id, oldest, has_request, has_findings }) => ({
      tenantId: tenant_id,
      oldest,
      hasRequest: has_request,
      hasFindings: has_findings,
    }));
  }

  async #lookAtFindings(tenantId: string, signal: AbortSignal): Promise<void> {
    const deps = this.#readingDeps(tenantId, signal);
    await openFindingsOfLost(deps);
    await lookAgain(deps);
    await followRepairs(deps);
    await orderRepairs(deps);
  }

  async #verify(tenantId: string, signal: AbortSignal): Promise<boolean> {
    const deps = this.#readingDeps(tenantId, signal);
    const claim = await claimObjects(deps, this.unreachable);
    if (claim.objects.length === 0) return false;
    const begunAt = this.#stopwatch.now();
    const { objects, bytes, unreachable } = await verifyClaim(deps, claim);
    await countReading(deps, { objects, bytes, tookMs: this.#stopwatch.now() - begunAt });
    for (const repositoryId of unreachable) {
      this.#unreachable.set(repositoryId, this.#stopwatch.now() + unreachableMs);
      this.#deps.log.error({ repositoryId }, "nothing of this repository can be read: is its storage there?");
    }
    return true;
  }

  #readingDeps(tenantId: string, signal: AbortSignal): ReadingDeps {
    const { databases, objects, clock, log } = this.#deps;
    return {
      database: databases.ofTenant(tenantId),
      objects,
      clock,
      log,
      onRead: async (bytes) => {
        this.#readBytes += bytes;
        await this.#pace.spend(bytes, signal);
      },
    };
  }
}

interface Turn {
  readonly tenant_id: string;
  readonly stored_bytes: bigint;
  readonly oldest: Date | null;
  readonly has_request: boolean;
  readonly has_running_job: boolean;
  readonly has_findings: boolean;
}
