import { cp } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { forget, type ForgetGroup, isEngineError, listSnapshots, type Repository } from "@saveos/engine";
import { folderStore } from "@saveos/engine/node";
import { newCheapRepository, testLock, testPassword } from "@saveos/engine/testing";
import { describeWith } from "../support/missing-peers.ts";
import { openQuickly, quickDeps } from "../support/quick-engine.ts";
import { isOlderThan, type Restic, resticOn } from "../support/restic.ts";
import { type Seeded, seeded } from "../support/seeded.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";
import { makeRandomSnapshots, randomForget } from "./forget-world.ts";

/** What restic prints of one group (restic manual, "Scripting", forget). */
interface ResticGroup {
  readonly tags: readonly string[] | null;
  readonly host: string;
  readonly paths: readonly string[] | null;
  readonly keep: readonly { readonly id: string }[] | null;
  readonly remove: readonly { readonly id: string }[] | null;
  readonly reasons:
    | readonly { readonly snapshot: { readonly id: string }; readonly matches: readonly string[] }[]
    | null;
}

/** A group in the words of both. */
interface Answer {
  readonly key: string;
  readonly keep: readonly string[];
  readonly remove: readonly string[];
}

const { seed } = seeded();

/** A restic's run takes a tenth of a second; thousands were run when this was written. */
const rounds = 60;

describeWith(["restic"], `forget answers as stock restic, with seed ${seed},`, () => {
  let temp: TempFolder;
  let path: string;
  let repository: Repository;
  let restic: Restic;
  let random: Seeded;

  beforeAll(async () => {
    temp = await tempFolder();
    random = seeded(seed);
    path = join(temp.path, "repository");
    repository = await newCheapRepository(quickDeps(folderStore(path)));
    restic = resticOn(path, testPassword);
    await makeRandomSnapshots(repository, 150, random, repository.clock.nowNs());
  });
  afterAll(async () => await temp[Symbol.asyncDispose]());

  test(`for ${rounds} random policies: what stays, what goes, and why`, async () => {
    // Its rules are another's; the answers of a newer one are among the engine's golden vectors.
    if (await isOlderThan(0, 17)) return;
    let answered = 0;
    for (let round = 0; round < rounds; round++) {
      const { args, ...choice } = randomForget(random);
      const theirs = await answerOfRestic(restic, args);
      const ours = await answerOfEngine(repository, choice);
      expect({ round, args, answer: ours }).toEqual({ round, args, answer: theirs });
      if (theirs !== "refused") answered += 1;
    }
    expect(answered).toBeGreaterThan(rounds / 2);
  });

  test("and removes what restic removes", async () => {
    if (await isOlderThan(0, 17)) return;
    for (let round = 0; round < 4; round++) {
      const theirCopy = join(temp.path, `theirs-${round}`);
      const ourCopy = join(temp.path, `ours-${round}`);
      await cp(path, theirCopy, { recursive: true });
      await cp(path, ourCopy, { recursive: true });
      const { args, ...choice } = randomForget(random);
      const theirs = resticOn(theirCopy, testPassword);
      await theirs.attempt("forget", ...args);
      const ours = await openQuickly(folderStore(ourCopy));
      await forget(ours, { ...choice, lock: testLock }).catch(refusal);
      const left = await listSnapshots(await openQuickly(folderStore(theirCopy)));
      expect({ args, left: await listSnapshots(ours) }).toEqual({ args, left });
      await resticOn(ourCopy, testPassword)("check");
    }
  });
});

async function answerOfRestic(restic: Restic, args: readonly string[]): Promise<readonly Answer[] | "refused"> {
  const { code, stdout, stderr } = await restic.attempt("forget", "--dry-run", "--no-lock", "--json", ...args);
  if (code === 1 && /no policy was specified|refusing to delete last snapshot/.test(stderr)) return "refused";
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const groups = (stdout.trim() === "" ? [] : JSON.parse(stdout)) as ResticGroup[];
  return sorted(
    groups.map(({ tags, host, paths, keep, remove, reasons }) => {
      expect(keep?.map(({ id }) => id)).toEqual(reasons?.map(({ snapshot }) => snapshot.id));
      return {
        key: JSON.stringify([host, paths ?? [], tags ?? []]),
        keep: (reasons ?? []).map(({ snapshot, matches }) => `${snapshot.id} ${matches.join("; ")}`),
        remove: (remove ?? []).map(({ id }) => id),
      };
    }),
  );
}

async function answerOfEngine(
  repository: Repository,
  choice: Pick<ReturnType<typeof randomForget>, "policy" | "groupBy" | "filter">,
): Promise<readonly Answer[] | "refused"> {
  try {
    const { groups } = await forget(repository, { ...choice, lock: { ...testLock, noLock: true }, dryRun: true });
    return sorted(groups.map(answerOf));
  } catch (error) {
    return refusal(error);
  }
}

function refusal(error: unknown): "refused" {
  if (isEngineError(error, "invalid-input")) return "refused";
  throw error;
}

function answerOf({ hostname = "", paths = [], tags = [], keep, remove }: ForgetGroup): Answer {
  return {
    key: JSON.stringify([hostname, paths, tags]),
    keep: keep.map(({ snapshot, reasons }) => `${snapshot.id} ${reasons.join("; ")}`),
    remove: remove.map(({ id }) => id),
  };
}

/** Restic prints groups in no order. */
function sorted(answers: readonly Answer[]): readonly Answer[] {
  return answers.toSorted((a, b) => (a.key < b.key ? -1 : 1));
}
