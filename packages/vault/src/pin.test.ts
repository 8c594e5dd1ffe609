import { beforeAll, expect, test } from "vitest";
import {
  followRotations,
  formatPin,
  makeIdentity,
  parsePin,
  recipientOf,
  type SignedStatement,
  signStatement,
  type VaultPin,
  verifyKeyOf,
} from "./index.ts";

let identities: string[];
let pins: VaultPin[];
/** From each to the next. */
let rotations: SignedStatement[];

beforeAll(async () => {
  identities = await Promise.all([makeIdentity(), makeIdentity(), makeIdentity(), makeIdentity()]);
  pins = await Promise.all(identities.map(async (identity, i) => await pinOf(identity, i + 1)));
  rotations = await Promise.all([0, 1, 2].map(async (i) => await rotationFrom(i, pins[i + 1]!)));
});

async function pinOf(identity: string, generation: number): Promise<VaultPin> {
  return { recipient: await recipientOf(identity), verifyKey: await verifyKeyOf(identity), generation };
}

async function rotationFrom(i: number, to: VaultPin): Promise<SignedStatement> {
  return await signStatement(identities[i]!, {
    kind: "rotation",
    from: pins[i]!.recipient,
    to: to.recipient,
    to_verify_key: to.verifyKey,
    generation: to.generation,
    at: "2026-01-31T08:30:00.000Z",
  });
}

test("a pin comes back from its text", () => {
  for (const pin of pins) expect(parsePin(formatPin(pin))).toEqual(pin);
  expect(parsePin(` ${formatPin(pins[0]!)}\n`)).toEqual(pins[0]);
});

test.each(["", "age1", "saveos-vault:0:", "saveos-vault:1:age1xyz:00"])("%j is no pin", (text) => {
  expect(() => parsePin(text)).toThrow(expect.objectContaining({ code: "invalid-text" }));
});

test("a pin follows the vault through all its rotations, in whatever order they come", () => {
  expect(followRotations(pins[0]!, rotations)).toEqual(pins[3]);
  expect(followRotations(pins[0]!, rotations.toReversed())).toEqual(pins[3]);
});

test("a pin in the middle goes on from where it is", () => {
  expect(followRotations(pins[1]!, rotations)).toEqual(pins[2] === undefined ? undefined : pins[3]);
  expect(followRotations(pins[3]!, rotations)).toEqual(pins[3]);
});

test("without rotations, or with a gap between them, a pin stays where the last known one led", () => {
  expect(followRotations(pins[0]!, [])).toEqual(pins[0]);
  expect(followRotations(pins[0]!, [rotations[0]!, rotations[2]!])).toEqual(pins[1]);
  expect(followRotations(pins[0]!, rotations.slice(1))).toEqual(pins[0]);
});

test("a rotation that somebody else signed leads nowhere", async () => {
  const thief = await makeIdentity();
  const theirs = await pinOf(thief, 2);
  const forged = await rotationFrom(0, theirs);
  const { signature } = await signStatement(thief, {
    kind: "rotation",
    from: theirs.recipient,
    to: theirs.recipient,
    to_verify_key: theirs.verifyKey,
    generation: 2,
    at: "2026-01-31T08:30:00.000Z",
  });
  expect(followRotations(pins[0]!, [{ ...forged, signature }])).toEqual(pins[0]);
});

test("a rotation leads to the next generation and no other: none can be skipped, and none leads back", async () => {
  expect(followRotations(pins[0]!, [await rotationFrom(0, pins[2]!)])).toEqual(pins[0]);
  expect(followRotations(pins[1]!, [await rotationFrom(1, pins[0]!)])).toEqual(pins[1]);
  expect(followRotations(pins[1]!, [await rotationFrom(1, { ...pins[1]!, generation: 2 })])).toEqual(pins[1]);
});

test("a choice about names is no rotation", async () => {
  const names = { kind: "names", from: pins[0]!.recipient, visible: true, serial: 2, at: "2026-01-31T08:30:00Z" };
  expect(followRotations(pins[0]!, [await signStatement(identities[0]!, names as never)])).toEqual(pins[0]);
});

test("a rotation to what is no recipient leads nowhere, though the vault signed it", async () => {
  const odd = await rotationFrom(0, { ...pins[1]!, recipient: "age1pq1" });
  expect(followRotations(pins[0]!, [odd])).toEqual(pins[0]);
});
