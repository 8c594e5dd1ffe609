import { expect, test } from "vitest";
import { inlineLane } from "./inline-lane.ts";
import type { Lane } from "./lane.ts";
import { plainCutFinder } from "../chunk/cut-finder.ts";
import { nodeFileReader } from "../platform/node/file-reader.ts";
import { nodePrimitives } from "../platform/node/primitives.ts";
import { LanePlaces } from "./lane-places.ts";

const newLane = () => inlineLane({ primitives: nodePrimitives, reader: nodeFileReader, openCutFinder: plainCutFinder });

/** A task that ends when the test says so. */
function heldTask(places: LanePlaces) {
  const held = Promise.withResolvers<void>();
  const place: { lane?: Lane; slot?: number } = {};
  const done = places.use(async (lane, slot) => {
    Object.assign(place, { lane, slot });
    await held.promise;
  });
  return { place, done, release: held.resolve };
}

test("tasks are spread over the lanes before a lane gets a second one, and no slot is used twice", async () => {
  const lanes = [newLane(), newLane()];
  const places = new LanePlaces(lanes, 2);
  const tasks = [1, 2, 3, 4].map(() => heldTask(places));
  expect(new Set(tasks.slice(0, 2).map(({ place }) => place.lane))).toEqual(new Set(lanes));
  const used = tasks.map(({ place }) => `${lanes.indexOf(place.lane ?? newLane())}/${place.slot}`);
  expect(used.toSorted()).toEqual(["0/0", "0/1", "1/0", "1/1"]);
  for (const { release } of tasks) release();
  await Promise.all(tasks.map(({ done }) => done));
});

test("a task without a place waits for the first that is given back, in its turn", async () => {
  const places = new LanePlaces([newLane()], 1);
  const first = heldTask(places);
  const second = heldTask(places);
  const third = heldTask(places);
  expect(places.waiting).toBe(2);
  first.release();
  await first.done;
  expect(second.place.slot).toBe(0);
  expect(third.place.slot).toBeUndefined();
  const room = places.untilRoom();
  second.release();
  await second.done;
  await room;
  expect(places.waiting).toBe(0);
  third.release();
  await third.done;
});

test("a task that fails gives its place back", async () => {
  const places = new LanePlaces([newLane()], 1);
  await expect(places.use(() => Promise.reject(new RangeError("no")))).rejects.toThrow("no");
  expect(await places.use((_lane, slot) => Promise.resolve(slot))).toBe(0);
});
