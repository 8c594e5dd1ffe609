import { describe, expect, test } from "vitest";
import { judgeGoals } from "./goals.ts";
import { resultsWith } from "./testing.ts";

const goal = (title: string, results: ReturnType<typeof resultsWith>) =>
  judgeGoals(results).find((judged) => judged.title.startsWith(title));

const pair = (ours: number, restics: number) =>
  resultsWith([
    { tool: "SaveOS", wallSeconds: ours },
    { tool: "restic", wallSeconds: restics },
  ]);

describe("targets", () => {
  test("a time is missed below its least, met from there, and reaches its aim", () => {
    expect(goal("full backup, source", pair(10, 19))?.verdict).toBe("missed");
    expect(goal("full backup, source", pair(10, 20))?.verdict).toBe("met");
    expect(goal("full backup, source", pair(10, 30))?.verdict).toBe("aim reached");
  });

  test("what was not measured is neither met nor missed", () => {
    expect(goal("full backup, big", pair(10, 30))?.verdict).toBe("not measured");
    expect(goal("ahead of borg", pair(10, 30))?.verdict).toBe("not measured");
  });

  test("half as much memory again as restic's is the most, and the worst row counts and is named", () => {
    const withRestore = (bytes: number) =>
      resultsWith([
        { tool: "SaveOS", peakBytes: 100 },
        { tool: "restic", peakBytes: 100 },
        { tool: "SaveOS", work: "restore", peakBytes: bytes },
        { tool: "restic", work: "restore", peakBytes: 100 },
      ]);
    expect(goal("peak memory", withRestore(150))).toMatchObject({
      verdict: "met",
      measured: { where: "source, restore" },
    });
    expect(goal("peak memory", withRestore(151))?.verdict).toBe("missed");
  });

  test("a repository may be two per cent larger than restic's, not more", () => {
    expect(goal("repository size", resultsWith([], { SaveOS: 102, restic: 100 }))?.verdict).toBe("met");
    expect(goal("repository size", resultsWith([], { SaveOS: 103, restic: 100 }))?.verdict).toBe("missed");
  });

  test("a limit of our own needs no peer", () => {
    const results = (peakBytes: number) => ({
      ...resultsWith([{ scene: "index-5m", work: "open", peakBytes }]),
      scenes: [{ name: "index-5m", title: "many blobs", works: ["open" as const] }],
    });
    expect(goal("opening 5 million blobs within 500 MB", results(500e6))?.verdict).toBe("met");
    expect(goal("opening 5 million blobs within 500 MB", results(501e6))?.verdict).toBe("missed");
  });
});
