import { describe, expect, test } from "vitest";
import { EngineError } from "../errors/engine-error.ts";
import type { EntryTable } from "../format/entry-table.ts";
import { parsePatterns } from "../pattern/pattern-list.ts";
import { directory, file, memorySource, special, symlink } from "../platform/testing/memory-source.ts";
import { eachOf } from "../platform/testing/each-of.ts";
import type { MemorySource, MemoryTree } from "../platform/testing/memory-source.ts";
import { sampleNode } from "../platform/testing/sample-node.ts";
import { cacheDirectoryTag, noRules } from "./backup-rules.ts";
import type { BackupRules } from "./backup-rules.ts";
import { estimate } from "./estimate.ts";
import type { KnownDirectory } from "./known-directory.ts";
import { scan } from "./scan.ts";
import type { ScanEvent } from "./scan.ts";
import type { ScanProblem } from "./scan-problem.ts";

interface Scanned {
  /** One line for each entry, in order; a directory's ends with a slash. */
  readonly lines: string[];
  readonly events: ScanEvent[];
  readonly problems: ScanProblem[];
  readonly warnings: string[];
}

/** Targets may be given relative to `cwd`. */
async function scanned(
  source: MemorySource,
  targets: readonly string[],
  rules: Partial<BackupRules> = {},
  { cwd = "/" }: { cwd?: string } = {},
): Promise<Scanned> {
  const result: Scanned = { lines: [], events: [], problems: [], warnings: [] };
  const given = targets.map((target) => ({
    given: target,
    absolute: source.absolute(target.startsWith("/") ? target : `${cwd}/${target}`),
  }));
  const events = scan(
    source,
    given,
    { ...noRules, ...rules },
    {
      withAtime: false,
      onProblem: (problem) => result.problems.push(problem),
      onWarning: (_path, message) => result.warnings.push(message),
    },
  );
  for await (const event of eachOf(events)) {
    result.events.push(event);
    if (event.kind !== "leave") result.lines.push(event.snapshotPath + (event.kind === "enter" ? "/" : ""));
  }
  expectTreeOrder(result.events);
  return result;
}

async function lines(
  tree: MemoryTree,
  targets: readonly string[],
  rules: Partial<BackupRules> = {},
): Promise<string[]> {
  return (await scanned(memorySource(tree), targets, rules)).lines;
}

/** Every directory that is entered is left, with its own name, after all that is in it. */
function expectTreeOrder(events: readonly ScanEvent[]): void {
  const open: string[] = [];
  for (const { kind, snapshotPath, name } of events) {
    if (kind === "leave") expect(open.pop()).toBe(snapshotPath);
    expect(snapshotPath).toBe(`${open.at(-1) ?? ""}/${name}`);
    if (kind === "enter") open.push(snapshotPath);
  }
  expect(open).toEqual([]);
}

describe("the shape of a scan", () => {
  test("a directory is entered, its entries come in the order of their bytes, and it is left with its metadata", async () => {
    const tree = { a: directory({ b: "1", "a.txt": "22", A: {} }, { permissions: 0o700, mtimeNs: 5n }) };
    const { events } = await scanned(memorySource(tree), ["/a"]);
    expect(events.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      "enter /a",
      "enter /a/A",
      "leave /a/A",
      "file /a/a.txt",
      "file /a/b",
      "leave /a",
    ]);
    expect(events.at(-1)).toMatchObject({
      metadata: { name: "a", type: "dir", mode: 0x80000000 + 0o700, mtimeNs: 5n },
    });
    expect(events[3]).toMatchObject({ stat: { size: 2 }, metadata: { name: "a.txt", type: "file", size: 2 } });
  });

  test("names are ordered by bytes, not by UTF-16", async () => {
    const names = ["b", "é", "\uffee", "🦜", "\udcff", "a"];
    const tree = { d: Object.fromEntries(names.map((name) => [name, ""])) };
    const expected = ["a", "b", "é", "\uffee", "🦜", "\udcff"].map((name) => `/d/${name}`);
    expect((await lines(tree, ["/d"])).slice(1)).toEqual(expected);
  });

  test("a directory sorts by its name alone, without a slash", async () => {
    expect(await lines({ d: { a: { x: "" }, "a-b": "", a0: "" } }, ["/d"])).toEqual([
      "/d/",
      "/d/a/",
      "/d/a/x",
      "/d/a-b",
      "/d/a0",
    ]);
  });

  test("targets share the directories above them, which hold nothing else and have real metadata", async () => {
    const tree = { a: directory({ b: { c: "1", other: "2" }, d: "3", x: "4" }, { uid: 7 }) };
    const { lines: found, events } = await scanned(memorySource(tree), ["/a/d", "/a/b/c"]);
    expect(found).toEqual(["/a/", "/a/b/", "/a/b/c", "/a/d"]);
    expect(events.at(-1)).toMatchObject({ kind: "leave", path: "/a", metadata: { uid: 7 } });
  });

  test("a target in another target, or given twice, is there once", async () => {
    const tree = { a: { b: { c: "1", d: "2" }, e: "3" } };
    const all = ["/a/", "/a/b/", "/a/b/c", "/a/b/d", "/a/e"];
    expect(await lines(tree, ["/a", "/a/b/c"])).toEqual(all);
    expect(await lines(tree, ["/a/b/c", "/a"])).toEqual(all);
    expect(await lines(tree, ["/a", "/a/", "/a/./b", "/a"])).toEqual(all);
  });

  test("/ and . are their entries", async () => {
    const source = memorySource({ a: { b: "1", c: { d: "2" } }, e: "3" });
    expect((await scanned(source, ["/"])).lines).toEqual(["/a/", "/a/b", "/a/c/", "/a/c/d", "/e"]);
    expect((await scanned(source, ["."], {}, { cwd: "/a" })).lines).toEqual(["/b", "/c/", "/c/d"]);
    expect((await scanned(source, ["..", "."], {}, { cwd: "/a/c" })).lines).toEqual(["/b", "/c/", "/c/d", "/d"]);
  });

  test("relative targets keep their own components only, and lose leading ..", async () => {
    const source = memorySource({ home: { ada: { work: { x: "1" } }, bob: { y: "2" } } });
    const cwd = "/home/ada";
    expect((await scanned(source, ["work/x"], {}, { cwd })).lines).toEqual(["/work/", "/work/x"]);
    expect((await scanned(source, ["../bob"], {}, { cwd })).lines).toEqual(["/bob/", "/bob/y"]);
    expect((await scanned(source, ["./work/../work/x"], {}, { cwd })).lines).toEqual(["/work/", "/work/x"]);
  });

  test("two targets that begin with one name in different directories get a number, and names follow in the metadata", async () => {
    const source = memorySource({ home: { ada: { work: { x: "1" } } }, work: { y: "2" } });
    const { lines: found, events } = await scanned(
      source,
      ["work", "/work", "../ada/work/x"],
      {},
      { cwd: "/home/ada" },
    );
    expect(found).toEqual(["/ada/", "/ada/work/", "/ada/work/x", "/work/", "/work/x", "/work-1/", "/work-1/y"]);
    expect(events.at(-1)).toMatchObject({ kind: "leave", path: "/work", name: "work-1", metadata: { name: "work-1" } });
  });

  test("a link on the way to a target is followed, a link as target is backed up as a link", async () => {
    const tree = { real: directory({ f: "1", g: "2" }, { uid: 5 }), link: symlink("real") };
    const { lines: found, events } = await scanned(memorySource(tree), ["/link/f"]);
    expect(found).toEqual(["/link/", "/link/f"]);
    expect(events.at(-1)).toMatchObject({ metadata: { name: "link", type: "dir", uid: 5 } });
    const asTarget = await scanned(memorySource(tree), ["/link"]);
    expect(asTarget.events).toMatchObject([{ kind: "file", metadata: { type: "symlink", linkTarget: "real" } }]);
  });

  test("on Windows a volume is a directory", async () => {
    const source = memorySource({ "C:": { Users: { f: "1" } } });
    const targets = [{ given: "C:\\Users", absolute: "C:/Users" }];
    const found: string[] = [];
    const options = { withAtime: false, onProblem: (problem: ScanProblem) => expect.fail(problem.message) };
    for await (const event of eachOf(scan(source, targets, noRules, options)))
      found.push(`${event.kind} ${event.path} ${event.snapshotPath}`);
    expect(found).toEqual([
      "enter C:/ /C",
      "enter C:/Users /C/Users",
      "file C:/Users/f /C/Users/f",
      "leave C:/Users /C/Users",
      "leave C:/ /C",
    ]);
  });
});

describe("what can't be read", () => {
  test("a missing target is a problem, and the others are backed up without a trace of it", async () => {
    const { lines: found, problems } = await scanned(memorySource({ a: { b: "1" }, c: { d: "2" } }), [
      "/a/nope/x",
      "/c/d",
      "gone",
    ]);
    expect(found).toEqual(["/c/", "/c/d"]);
    expect(problems).toMatchObject([
      { path: "/a/nope/x", message: "/a/nope/x does not exist" },
      { path: "/gone", message: "gone does not exist" },
    ]);
  });

  test("nothing at all is an empty scan with problems", async () => {
    const { lines: found, problems } = await scanned(memorySource({}), ["/nope"]);
    expect(found).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  test("an unreadable directory or entry is a problem and left out; the walk goes on", async () => {
    const source = memorySource({ a: { closed: { x: "1" }, f: "2", g: "3", h: "4" } });
    source.failOn("/a/closed", "list", "permission denied");
    source.failOn("/a/f", "stat", "input/output error");
    source.failOn("/a/g", "metadata", "input/output error");
    const { lines: found, problems } = await scanned(source, ["/a"]);
    expect(found).toEqual(["/a/", "/a/h"]);
    expect(problems.map(({ path, message }) => [path, message])).toEqual([
      ["/a/closed", "/a/closed can't be read: permission denied"],
      ["/a/f", "/a/f can't be read: input/output error"],
      ["/a/g", "/a/g can't be read: input/output error"],
    ]);
    expect(problems[0]?.cause).toBeInstanceOf(EngineError);
  });

  test("what vanishes between the listing and the look was never there", async () => {
    const source = memorySource({ a: { f: "1", g: "2" } });
    source.failOn("/a/f", "stat", "vanished");
    const { lines: found, problems } = await scanned(source, ["/a"]);
    expect(found).toEqual(["/a/", "/a/g"]);
    expect(problems).toEqual([]);
  });

  test("a target that vanishes after the start is a problem", async () => {
    const source = memorySource({ a: { f: "1" }, b: "2" });
    source.beforeEach = (operation, path) => {
      source.beforeEach = () => undefined;
      if (operation === "stat" && path === "/b") source.remove("/a");
    };
    const { lines: found, problems } = await scanned(source, ["/b", "/a"]);
    expect(found).toEqual(["/b"]);
    expect(problems).toMatchObject([{ path: "/a" }]);
  });

  test("sockets are left out without a word, unknown kinds with a problem", async () => {
    const tree = {
      a: {
        fifo: special("fifo"),
        odd: special("other"),
        socket: special("socket"),
        tty: special("chardev", { device: 5n }),
      },
    };
    const { events, problems } = await scanned(memorySource(tree), ["/a"]);
    expect(events.filter(({ kind }) => kind === "file")).toMatchObject([
      { metadata: { type: "fifo" } },
      { metadata: { type: "chardev", device: 5n } },
    ]);
    expect(problems).toMatchObject([{ path: "/a/odd" }]);
  });

  test("a failure that is not the source's ends the scan", async () => {
    const source = memorySource({ a: { f: "1" } });
    source.beforeEach = (_operation, path) => {
      if (path === "/a/f") throw new TypeError("a bug");
    };
    await expect(scanned(source, ["/a"])).rejects.toThrow("a bug");
  });

  test("an aborted signal ends the scan", async () => {
    const stop = new AbortController();
    const options = { withAtime: false, onProblem: () => undefined, signal: stop.signal };
    const events = scan(memorySource({ a: { f: "1", g: "2" } }), [{ given: "/a", absolute: "/a" }], noRules, options);
    await events.next();
    stop.abort(new DOMException("enough", "AbortError"));
    await expect(events.next()).rejects.toThrow("enough");
  });
});

describe("the rules", () => {
  const excluding = (...patterns: string[]) => ({ excludes: [parsePatterns(patterns)] });

  test("an excluded directory is not even looked at", async () => {
    const source = memorySource({ a: { cache: { x: "1" }, f: "2" } });
    source.failOn("/a/cache", "stat", "must not be asked");
    const { lines: found, problems } = await scanned(source, ["/a"], excluding("cache"));
    expect(found).toEqual(["/a/", "/a/f"]);
    expect(problems).toEqual([]);
  });

  test("patterns are for absolute paths, also of relative targets", async () => {
    const source = memorySource({ home: { ada: { work: { x: "1", y: "2" } } } });
    const { lines: found } = await scanned(source, ["work"], excluding("/home/ada/work/x"), { cwd: "/home/ada" });
    expect(found).toEqual(["/work/", "/work/y"]);
  });

  test("each list is judged alone: a ! does not reach into another", async () => {
    const rules = { excludes: [parsePatterns(["*.tmp"]), parsePatterns(["!x.tmp"], { caseInsensitive: true })] };
    expect(await lines({ a: { "x.tmp": "", y: "" } }, ["/a"], rules)).toEqual(["/a/", "/a/y"]);
  });

  test("a target itself is never excluded, what is in it is", async () => {
    const tree = { tmp: { "a.tmp": { x: "1" }, b: "2" } };
    expect(await lines(tree, ["/tmp/a.tmp"], excluding("*.tmp"))).toEqual(["/tmp/", "/tmp/a.tmp/"]);
    expect(await lines(tree, ["/tmp"], excluding("*.tmp"))).toEqual(["/tmp/", "/tmp/b"]);
    expect(await lines(tree, ["/tmp/b"], excluding("tmp"))).toEqual(["/tmp/", "/tmp/b"]);
  });

  test("the entries that stand in for . or / are excluded like any", async () => {
    const source = memorySource({ a: { x: "1", "y.tmp": "2" }, proc: { z: "3" } });
    expect((await scanned(source, ["."], excluding("*.tmp"), { cwd: "/a" })).lines).toEqual(["/x"]);
    expect((await scanned(source, ["/"], excluding("/proc"))).lines).toEqual(["/a/", "/a/x", "/a/y.tmp"]);
    expect((await scanned(source, ["/", "/proc"], excluding("/proc"))).lines).toContain("/proc/");
  });

  test("a tag file leaves only itself in its directory", async () => {
    const tree = { a: { ".nobackup": "", x: "1", sub: { y: "2" } }, b: { x: "1" } };
    const rules = { excludeIfPresent: [{ name: ".nobackup" }] };
    expect(await lines(tree, ["/a", "/b"], rules)).toEqual(["/a/", "/a/.nobackup", "/b/", "/b/x"]);
    const source = memorySource(tree);
    expect((await scanned(source, ["."], rules, { cwd: "/a" })).lines).toEqual(["/.nobackup"]);
    expect(await lines(tree, ["/a/x"], rules)).toEqual(["/a/", "/a/x"]);
  });

  test("two tag files exclude each other", async () => {
    const rules = { excludeIfPresent: [{ name: "one" }, { name: "two" }] };
    expect(await lines({ a: { one: "", two: "", x: "" } }, ["/a"], rules)).toEqual(["/a/"]);
  });

  test("a cache is a directory whose tag has the signature, across pieces of any size", async () => {
    const signature = cacheDirectoryTag.header ?? "";
    const tree = {
      cache: { "CACHEDIR.TAG": `${signature}\nmore`, x: "1" },
      exact: { "CACHEDIR.TAG": signature, x: "1" },
      short: { "CACHEDIR.TAG": signature.slice(0, 9), x: "1" },
      wrong: { "CACHEDIR.TAG": signature.replace("8", "9"), x: "1" },
      empty: { "CACHEDIR.TAG": "", x: "1" },
      link: { "CACHEDIR.TAG": symlink("/cache/CACHEDIR.TAG"), x: "1" },
    };
    const source = memorySource(tree, { pieceBytes: 7 });
    const { lines: found, warnings } = await scanned(source, ["/"], { excludeIfPresent: [cacheDirectoryTag] });
    const backedUp = found.filter((line) => line.endsWith("/x"));
    expect(backedUp).toEqual(["/empty/x", "/link/x", "/short/x", "/wrong/x"]);
    expect(warnings).toHaveLength(4);
  });

  test("what is larger than the limit is left out, whatever is no directory", async () => {
    const tree = { a: { small: "12", large: "123", d: { large: "1234" } } };
    expect(await lines(tree, ["/a"], { excludeLargerThanBytes: 2 })).toEqual(["/a/", "/a/d/", "/a/small"]);
    expect(await lines(tree, ["/a/large"], { excludeLargerThanBytes: 2 })).toEqual(["/a/", "/a/large"]);
  });

  test("one file system: a mount point stays, empty; other files of it are left out", async () => {
    const other = { deviceId: 2n };
    const tree = {
      a: { mount: directory({ x: file("1", other), d: directory({}, other) }, other), odd: file("2", other), f: "3" },
    };
    expect(await lines(tree, ["/a"], { oneFileSystem: true })).toEqual(["/a/", "/a/f", "/a/mount/"]);
    expect(await lines(tree, ["/a", "/a/mount"], { oneFileSystem: true })).toEqual([
      "/a/",
      "/a/f",
      "/a/mount/",
      "/a/mount/d/",
      "/a/mount/x",
    ]);
    expect(await lines(tree, ["/a", "/a/mount/x"], { oneFileSystem: true })).toEqual([
      "/a/",
      "/a/f",
      "/a/mount/",
      "/a/mount/x",
    ]);
    expect(await lines(tree, ["/a"])).toHaveLength(6);
  });
});

describe("what is known from before", () => {
  /** Knows these paths: takes them all, and notes what it is offered. */
  class Known implements KnownDirectory<Known> {
    readonly takesEntries = true;
    readonly offered: string[];
    readonly #path: string;
    readonly #paths: readonly string[];

    constructor(paths: readonly string[], path = "", offered: string[] = []) {
      this.#paths = paths;
      this.#path = path;
      this.offered = offered;
    }

    take(entries: EntryTable, row: number): boolean {
      const path = `${this.#path}/${entries.name(row)}`;
      this.offered.push(path);
      return entries.type(row) !== "dir" && this.#paths.includes(path);
    }

    isSameDirectory = (name: string) => this.#paths.includes(`${this.#path}/${name}`);
    node = (name: string) => (this.#paths.includes(`${this.#path}/${name}`) ? sampleNode({ name }) : undefined);
    below = (name: string) => Promise.resolve(new Known(this.#paths, `${this.#path}/${name}`, this.offered));
  }

  async function scannedWith(known: Known, source: MemorySource, rules: Partial<BackupRules> = {}, targets = ["/a"]) {
    const found: string[] = [];
    const events = scan(
      source,
      targets.map((path) => ({ given: path, absolute: path })),
      { ...noRules, ...rules },
      { withAtime: false, known, onProblem: ({ message }) => found.push(message) },
    );
    for await (const event of eachOf(events)) if (event.kind !== "enter") found.push(`${event.kind} ${event.path}`);
    return found;
  }

  test("what is taken gets no event and is asked for nothing, the rest comes in its order", async () => {
    const source = memorySource({ a: { b: "1", c: { d: "2", e: "3" }, f: "4", g: "5" } });
    const asked: string[] = [];
    source.beforeEach = (operation, path) => operation === "metadata" && asked.push(path);
    const found = await scannedWith(new Known(["/a/b", "/a/c/e", "/a/g"]), source);
    expect(found).toEqual(["file /a/c/d", "leave /a/c", "file /a/f", "leave /a"]);
    expect(asked).toEqual(["/a", "/a/c", "/a/c/d", "/a/f"]);
  });

  test("a directory that is known to be the same is left without its metadata, which is not read", async () => {
    const source = memorySource({ a: { same: { x: "1" }, other: {} } });
    const metadata: [string, boolean][] = [];
    const known = new Known(["/a/same"]);
    const targets = [{ given: "/a", absolute: "/a" }];
    const events = scan(source, targets, noRules, { withAtime: false, known, onProblem: () => undefined });
    for await (const event of eachOf(events))
      if (event.kind === "leave") metadata.push([event.path, event.metadata !== undefined]);
    expect(metadata).toEqual([
      ["/a/other", true],
      ["/a/same", false],
      ["/a", true],
    ]);
  });

  test("what comes all the same brings the node that is known by its name", async () => {
    const source = memorySource({ a: { b: "1", c: "2" } });
    const known = new Known(["/a/b"]);
    known.below = () =>
      Promise.resolve(Object.assign(known, { take: () => false, node: (name: string) => sampleNode({ name }) }));
    const previous: (string | undefined)[] = [];
    const targets = [{ given: "/a", absolute: "/a" }];
    const events = scan(source, targets, noRules, { withAtime: false, known, onProblem: () => undefined });
    for await (const event of eachOf(events)) if (event.kind === "file") previous.push(event.previous?.name);
    expect(previous).toEqual(["b", "c"]);
  });

  test("only what the rules choose is offered, and what they leave out is not looked at", async () => {
    const tree = {
      a: { "x.tmp": "1", large: "12345", mount: file("1", { deviceId: 2n }), s: special("socket"), y: "1" },
    };
    const source = memorySource(tree);
    source.failOn("/a/x.tmp", "stat", "must not be asked");
    const known = new Known(["/a/x.tmp", "/a/large", "/a/mount", "/a/s", "/a/y"]);
    const rules = { excludes: [parsePatterns(["*.tmp"])], excludeLargerThanBytes: 2, oneFileSystem: true };
    expect(await scannedWith(known, source, rules)).toEqual(["leave /a"]);
    expect(known.offered).toEqual(["/a/y"]);
  });

  test("a tag is found before anything is offered", async () => {
    const source = memorySource({ a: { ".nobackup": "", x: "1" } });
    const known = new Known(["/a/x"]);
    expect(await scannedWith(known, source, { excludeIfPresent: [{ name: ".nobackup" }] })).toEqual([
      "file /a/.nobackup",
      "leave /a",
    ]);
    expect(known.offered).toEqual(["/a/.nobackup"]);
  });

  test("a target is read as the person named it, even inside a directory that is known", async () => {
    const source = memorySource({ a: { b: "1", c: "2" } });
    const known = new Known(["/a/b", "/a/c"]);
    expect(await scannedWith(known, source, {}, ["/a", "/a/b"])).toEqual(["file /a/b", "leave /a"]);
  });

  test("what can't be looked at is a problem, as if nothing were known", async () => {
    const source = memorySource({ a: { b: "1", c: "2" } });
    source.failOn("/a/b", "stat", "input/output error");
    expect(await scannedWith(new Known(["/a/b", "/a/c"]), source)).toEqual([
      "/a/b can't be read: input/output error",
      "leave /a",
    ]);
  });
});

test("an estimate counts the files and bytes that the scan will yield, and says nothing of problems", async () => {
  const source = memorySource({
    a: { f: "12", d: { g: "345", closed: {} }, link: symlink("f"), s: special("socket") },
    x: "1",
  });
  source.failOn("/a/d/closed", "list", "permission denied");
  const targets = [
    { given: "/a", absolute: "/a" },
    { given: "/nope", absolute: "/nope" },
  ];
  expect(await estimate(source, targets, noRules)).toEqual({ files: 2, bytes: 5 });
});

test("access times are recorded only if wanted", async () => {
  const source = memorySource({ f: file("1", { atimeNs: 9n, mtimeNs: 3n }) });
  const atime = async (withAtime: boolean) => {
    const events = scan(source, [{ given: "/f", absolute: "/f" }], noRules, { withAtime, onProblem: () => undefined });
    const { value } = await eachOf(events).next();
    return value?.kind === "file" ? value.metadata.atimeNs : undefined;
  };
  expect(await atime(true)).toBe(9n);
  expect(await atime(false)).toBe(3n);
});
