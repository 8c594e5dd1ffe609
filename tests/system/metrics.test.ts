import { expect, test } from "vitest";
import { administratorOf } from "../support/administrator.ts";
import { describeWith } from "../support/missing-peers.ts";
import { run } from "../support/run.ts";
import { startSaveosServer } from "../support/saveos-server.ts";

describeWith(["promtool"], "the metrics", () => {
  test("are as Prometheus wants them, by its own judge", async () => {
    await using saveos = await startSaveosServer();
    const administrator = administratorOf(saveos);
    const agent = await administrator.enrol({ hostname: "machine" });
    await administrator.orderBackup({ agent_id: agent.agent_id, paths: ["/home"] });
    const response = await fetch(`${saveos.server.httpUrl}/metrics`, {
      headers: { authorization: `Bearer ${saveos.apiKey}` },
    });
    const text = await response.text();
    expect(text).toContain('saveos_jobs{kind="backup",state="pending"} 1');
    expect(text).toMatch(/^saveos_queue_tasks\{task="start-planned-run",state="waiting"\} \d+$/m);
    expect(text).toMatch(/^saveos_http_request_duration_seconds_bucket\{/m);
    expect(await run("promtool", ["check", "metrics"], { input: text })).toMatchObject({ code: 0, stderr: "" });
  });
});
