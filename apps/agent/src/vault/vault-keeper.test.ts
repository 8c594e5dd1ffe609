import type { SignedStatement, VaultForAgents } from "@saveos/contract";
import {
  makeIdentity,
  openSealedPassword,
  recipientOf,
  signStatement,
  type VaultPin,
  verifyKeyOf,
} from "@saveos/vault";
import { beforeEach, expect, test } from "vitest";
import { AgentError } from "../errors/agent-error.ts";
import { MemoryLink } from "../testing/memory-link.ts";
import { TestMachine } from "../testing/test-world.ts";
import { noNames, readPinFile, writePinFile } from "./pin-file.ts";
import { readSealNotes, writeSealNotes } from "./seal-notes.ts";
import { VaultKeeper, type VaultKeeperDeps } from "./vault-keeper.ts";

const at = "2026-01-31T08:30:00.000Z";
const signal = new AbortController().signal;

interface TestVault {
  readonly identity: string;
  readonly pin: VaultPin;
}

let machine: TestMachine;
let link: MemoryLink;
let log: string[];
let deps: VaultKeeperDeps;
/** The vault at first, and after a rotation. */
let first: TestVault;
let second: TestVault;
let rotation: SignedStatement;

beforeEach(async () => {
  machine = await TestMachine.create();
  link = new MemoryLink();
  log = [];
  first = await newVault(1);
  second = await newVault(2);
  rotation = await rotationOf(first, second);
  const pinFile = machine.path("home", "vault.json");
  const stateFolder = machine.path("home", "state");
  deps = {
    link,
    readPin: async () => await readPinFile(pinFile),
    writePin: async (pin) => await writePinFile(pinFile, pin),
    readNotes: async () => await readSealNotes(stateFolder),
    writeNotes: async (notes) => await writeSealNotes(stateFolder, notes),
    content: {
      password: "the repository's",
      identity: await makeIdentity(),
      repositoryId: "11111111-0000-4000-8000-000000000000",
      host: "web1",
    },
    now: () => at,
    log: { info: (text) => log.push(text), warn: (text) => log.push(`warning: ${text}`) },
  };
  return () => machine[Symbol.asyncDispose]();
});

async function newVault(generation: number): Promise<TestVault> {
  const identity = await makeIdentity();
  return {
    identity,
    pin: { recipient: await recipientOf(identity), verifyKey: await verifyKeyOf(identity), generation },
  };
}

async function rotationOf(from: TestVault, to: TestVault): Promise<SignedStatement> {
  return await signStatement(from.identity, {
    kind: "rotation",
    from: from.pin.recipient,
    to: to.pin.recipient,
    to_verify_key: to.pin.verifyKey,
    generation: to.pin.generation,
    at,
  });
}

async function namesOf({ identity, pin }: TestVault, visible: boolean, serial: number): Promise<SignedStatement> {
  return await signStatement(identity, { kind: "names", from: pin.recipient, visible, serial, at });
}

/** The vault as the server shows it. */
function shown({ pin }: TestVault, changes: Partial<VaultForAgents> = {}): VaultForAgents {
  const { recipient, verifyKey: verify_key, generation } = pin;
  return { version: generation, recipient, verify_key, generation, rotations: [], names: null, ...changes };
}

async function pinned({ pin }: TestVault): Promise<void> {
  await deps.writePin({ ...pin, names: noNames });
}

/** The passwords that the server has, as the vault opens them. */
async function sealedTo({ identity }: TestVault): Promise<string[]> {
  const opened = link.sealed.map(
    async ({ sealed }) => (await openSealedPassword(identity, sealed).catch(() => undefined))?.password,
  );
  return (await Promise.all(opened)).filter((password) => password !== undefined);
}

test("the password is sealed to the pinned vault once, with what goes with it", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first), signal);
  await keeper.heed(undefined, signal);
  expect(link.sealed).toMatchObject([{ generation: 1 }]);
  expect(await openSealedPassword(first.identity, link.sealed[0]?.sealed ?? "")).toEqual({
    password: "the repository's",
    agentRecipient: await recipientOf(deps.content.identity),
    repositoryId: deps.content.repositoryId,
    host: "web1",
  });
  expect(await deps.readNotes()).toEqual({ sealedTo: first.pin.recipient, sealedAt: at, trouble: undefined });
  await new VaultKeeper(deps).heed(shown(first), signal);
  expect(link.sealed).toHaveLength(1);
});

test("a machine without a vault on its server has nothing to do and nothing to say", async () => {
  const keeper = new VaultKeeper(deps);
  await keeper.heed(undefined, signal);
  await keeper.heed(null, signal);
  expect(keeper.version).toBe(0);
  expect(log).toEqual([]);
});

test("a machine that has pinned no vault seals to none that it is shown, and says so once", async () => {
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first), signal);
  await keeper.heed(undefined, signal);
  expect(link.sealed).toEqual([]);
  expect(log).toEqual([expect.stringContaining("has pinned none")]);
  expect((await deps.readNotes()).trouble).toContain("has pinned none");
  expect(await deps.readPin()).toBeUndefined();
});

test("what a person pins is used from the next answer on", async () => {
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first), signal);
  await pinned(first);
  await keeper.heed(undefined, signal);
  expect(await sealedTo(first)).toEqual(["the repository's"]);
  expect((await deps.readNotes()).trouble).toBeUndefined();
});

test("another vault than the pinned one is refused, loudly and once, and nothing is sealed to it", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(second), signal);
  await keeper.heed(undefined, signal);
  expect(link.sealed).toEqual([]);
  expect(await deps.readPin()).toMatchObject(first.pin);
  expect(log).toEqual([expect.stringMatching(/^warning: The server shows another vault/)]);
  expect((await deps.readNotes()).trouble).toContain("another vault");
});

test.each([
  ["a recipient that was changed", () => shown(first, { recipient: second.pin.recipient })],
  ["a verify key that was changed", () => shown(first, { verify_key: second.pin.verifyKey })],
  ["a rotation that leads elsewhere", () => shown({ ...second, pin: first.pin }, { rotations: [rotation] })],
  [
    "a rotation that another vault signed",
    () => shown(second, { rotations: [{ ...rotation, signature: "0".repeat(128) }] }),
  ],
])("%s is refused, and the pin stays", async (_what, show) => {
  await pinned(first);
  await new VaultKeeper(deps).heed(show(), signal);
  expect(link.sealed).toEqual([]);
  expect(await deps.readPin()).toMatchObject(first.pin);
  expect((await deps.readNotes()).trouble).toContain("another vault");
});

test("a vault that the pinned one has signed for takes its place, and the password is sealed again", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first), signal);
  await keeper.heed(shown(second, { rotations: [rotation] }), signal);
  expect(keeper.version).toBe(2);
  expect(await deps.readPin()).toMatchObject(second.pin);
  expect(link.sealed.map(({ generation }) => generation)).toEqual([1, 2]);
  expect(await sealedTo(second)).toEqual(["the repository's"]);
  expect(log.at(-1)).toContain(second.pin.recipient);
});

test("a vault can't go back to what it was: the older identity may be in wrong hands", async () => {
  await pinned(second);
  await new VaultKeeper(deps).heed(shown(first, { rotations: [rotation] }), signal);
  expect(await deps.readPin()).toMatchObject(second.pin);
  expect(link.sealed).toEqual([]);
});

test("once a server shows the right vault again, the trouble is over", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(second), signal);
  await keeper.heed(shown(first), signal);
  expect((await deps.readNotes()).trouble).toBeUndefined();
  expect(await sealedTo(first)).toHaveLength(1);
});

test("a server that forgets the vault is noticed", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first), signal);
  await keeper.heed(null, signal);
  expect((await deps.readNotes()).trouble).toContain("no vault");
  expect(await deps.readPin()).toMatchObject(first.pin);
});

test("while the server is away the password waits, and nothing else does", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  link.failure = new AgentError("server-unavailable", "gone");
  await keeper.heed(shown(first), signal);
  await keeper.heed(undefined, signal);
  expect(log.filter((line) => line.includes("gone"))).toHaveLength(1);
  link.failure = undefined;
  await keeper.heed(undefined, signal);
  expect(await sealedTo(first)).toHaveLength(1);
});

test("a pin that others could have written is not used", async () => {
  await pinned(first);
  const { chmod } = await import("node:fs/promises");
  await chmod(machine.path("home", "vault.json"), 0o666);
  await new VaultKeeper(deps).heed(shown(first), signal);
  expect(link.sealed).toEqual([]);
  expect(log[0]).toContain("can be written by others");
});

test("names stay hidden until the vault itself says otherwise, and the newest word counts", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  const visibleAfter = async (names: SignedStatement | null) => {
    await keeper.heed(shown(first, { names }), signal);
    return (await deps.readPin())?.names.visible;
  };
  expect(await visibleAfter(null)).toBe(false);
  expect(await visibleAfter(await namesOf(second, true, 1))).toBe(false);
  const allowed = await namesOf(first, true, 1);
  expect(await visibleAfter({ ...allowed, statement: allowed.statement.replace('"serial":1', '"serial":9') })).toBe(
    false,
  );
  expect(await visibleAfter(allowed)).toBe(true);
  expect(await visibleAfter(await namesOf(first, false, 2))).toBe(false);
  expect(await visibleAfter(allowed)).toBe(false);
});

test("a vault's choice about names is not its successor's", async () => {
  await pinned(first);
  const keeper = new VaultKeeper(deps);
  await keeper.heed(shown(first, { names: await namesOf(first, true, 5) }), signal);
  await keeper.heed(shown(second, { rotations: [rotation], names: await namesOf(first, true, 6) }), signal);
  expect((await deps.readPin())?.names).toEqual(noNames);
  await keeper.heed(shown(second, { rotations: [rotation], names: await namesOf(second, true, 1) }), signal);
  expect((await deps.readPin())?.names).toEqual({ visible: true, serial: 1 });
});

/** Ends the work at the n-th step that leaves something behind, before or after it is done, as a kill does: what comes after never runs. */
function killedAt(step: number, isDone: boolean): VaultKeeperDeps & { readonly killed: Promise<void> } {
  const { promise: killed, resolve: kill } = Promise.withResolvers<void>();
  const never = new Promise<void>(() => undefined);
  let steps = 0;
  const killable =
    <Args extends unknown[]>(work: (...args: Args) => Promise<void>) =>
    async (...args: Args) => {
      steps += 1;
      if (steps < step || isDone) await work(...args);
      if (steps < step) return;
      kill();
      await never;
    };
  return {
    ...deps,
    killed,
    writePin: killable(deps.writePin),
    writeNotes: killable(deps.writeNotes),
    link: { sealPassword: killable(async (request) => await link.sealPassword(request)) },
  };
}

test.each([1, 2, 3].flatMap((step) => [[step, "before"] as const, [step, "after"] as const]))(
  "killed at step %i of a move, %s it was done, the next start does what is left",
  async (step, moment) => {
    await pinned(first);
    await new VaultKeeper(deps).heed(shown(first), signal);
    const moved = shown(second, { rotations: [rotation] });
    const stopping = killedAt(step, moment === "after");
    void new VaultKeeper(stopping).heed(moved, signal);
    await stopping.killed;
    const pin = await deps.readPin();
    expect([first.pin.recipient, second.pin.recipient]).toContain(pin?.recipient);

    await new VaultKeeper(deps).heed(moved, signal);
    expect(await deps.readPin()).toMatchObject(second.pin);
    expect(await sealedTo(second)).not.toEqual([]);
    expect(await deps.readNotes()).toMatchObject({ sealedTo: second.pin.recipient, trouble: undefined });
    const before = link.sealed.length;
    await new VaultKeeper(deps).heed(moved, signal);
    expect(link.sealed).toHaveLength(before);
  },
);
