import { setTimeout as sleep } from "node:timers/promises";
import {
  type Job,
  jobAccepted,
  jobList,
  type PlanRequest,
  type ProvisionResponse,
  provisionResponse,
} from "@saveos/contract";
import { BenchError } from "../bench-error.ts";
import { Line, type Door, type LineAnswer, type LineRequest } from "./line.ts";

/** Somebody with an API key: orders backups, makes plans, looks at lists. */
export class Administrator implements Disposable {
  readonly #line: Line;
  readonly #key: string;
  /** Answers that told to come back later. */
  slowedDown = 0;

  constructor(door: Door, key: string) {
    this.#line = new Line(door, "198.51.100.1");
    this.#key = key;
  }

  async provision(hostname: string, tags: readonly string[]): Promise<ProvisionResponse> {
    const body = { hostname, platform: "linux", tags };
    const answer = await this.#ask({ method: "POST", path: "/api/v1/agents/provision", body });
    return provisionResponse.parse(expectStatus(answer, 201));
  }

  /** The job's id, and how long the answer took. */
  async orderBackup(agentId: string): Promise<{ readonly jobId: string; readonly ms: number }> {
    const body = { agent_id: agentId, paths: ["/home", "/etc", "/srv"], excludes: ["*.tmp", "node_modules"] };
    const answer = await this.#ask({ method: "POST", path: "/api/v1/backup", body });
    return { jobId: jobAccepted.parse(expectStatus(answer, 202)).job_id, ms: answer.ms };
  }

  async makePlan(plan: Partial<PlanRequest>): Promise<string> {
    const answer = await this.#ask({ method: "POST", path: "/api/v1/plans", body: plan });
    return (expectStatus(answer, 201) as { id: string }).id;
  }

  /** How long a page took that people look at. */
  async look(path: string): Promise<number> {
    const answer = await this.#ask({ method: "GET", path });
    expectStatus(answer, 200);
    return answer.ms;
  }

  /** All jobs, newest first, page by page. */
  async *jobs(filter = ""): AsyncGenerator<Job> {
    for (let cursor: string | null = ""; cursor !== null;) {
      const path: string = `/api/v1/jobs?limit=500${filter}${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = jobList.parse(expectStatus(await this.#ask({ method: "GET", path }), 200));
      yield* page.jobs;
      cursor = page.next_cursor;
    }
  }

  [Symbol.dispose](): void {
    this.#line[Symbol.dispose]();
  }

  async #ask(request: LineRequest): Promise<LineAnswer> {
    for (;;) {
      const answer = await this.#line.send({ ...request, credential: this.#key });
      if (answer.status !== 429) return answer;
      this.slowedDown += 1;
      await sleep((answer.retryAfterSeconds ?? 1) * 1000);
    }
  }
}

function expectStatus({ status, body }: LineAnswer, expected: number): unknown {
  if (status === expected) return body;
  throw new BenchError(`The server answered ${status} instead of ${expected}: ${JSON.stringify(body)}`);
}
