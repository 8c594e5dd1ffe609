import { describe, expect, test } from "vitest";
import { EntryTable, isSameEntry } from "../../format/entry-table.ts";
import { addEntry } from "../../format/entry-words.ts";
import type { FileSource, SourceMetadata } from "../../source/file-source.ts";

/** A source to try, and the means to put things into its folder `root`. */
export interface FileSourceUnderTest {
  readonly source: FileSource;
  /** An absolute path, of an empty folder. */
  readonly root: string;
  /** `path` is absolute and its directory there; `bytes` the content. */
  readonly writeFile: (path: string, bytes: Uint8Array) => void;
  readonly makeDirectory: (path: string) => void;
  readonly makeSymlink: (path: string, linkTarget: string) => void;
  readonly remove: (path: string) => void;
}

/** The promises of the `FileSource` port, checked on one implementation. `open` gives a fresh one for every test. */
export function fileSourceSuite(name: string, open: () => FileSourceUnderTest): void {
  describe(`the promises of a file source, kept by ${name}`, () => {
    test("a file is read from its start to its end, whatever its size", async () => {
      const { source, root, writeFile } = open();
      for (const size of [0, 1, 4095, 4096, 65_536, 65_537, 1_300_000]) {
        const bytes = patterned(size);
        writeFile(`${root}/file`, bytes);
        expect(await readAll(source, `${root}/file`)).toEqual(bytes);
      }
    });

    test("a listing has every name once, without . and .., whatever bytes names have", async () => {
      const { source, root, writeFile, makeDirectory } = open();
      const names = [
        "plain",
        "two words",
        "line\nfeed",
        "été",
        "🦜",
        "\udcff\udce4 bytes",
        "é\udcc3",
        "\\",
        "*",
        ".hidden",
      ];
      for (const entry of names) writeFile(`${root}/${entry}`, patterned(1));
      makeDirectory(`${root}/folder`);
      expect((await source.list(root)).sort()).toEqual([...names, "folder"].sort());
      for (const entry of names) expect(source.stat(`${root}/${entry}`).type).toBe("file");
    });

    test("an empty directory lists nothing", async () => {
      const { source, root, makeDirectory } = open();
      makeDirectory(`${root}/empty`);
      expect(await source.list(`${root}/empty`)).toEqual([]);
    });

    test("what is not there is not-found, for every method, also below a file", async () => {
      const { source, root, writeFile } = open();
      writeFile(`${root}/file`, patterned(1));
      const stat = source.stat(`${root}/file`);
      for (const path of [`${root}/missing`, `${root}/missing/below`, `${root}/file/below`]) {
        expect(() => source.stat(path)).toThrow(expect.objectContaining({ code: "not-found" }));
        await expect(source.list(path)).rejects.toMatchObject({ code: "not-found" });
        await expect(readAll(source, path)).rejects.toMatchObject({ code: "not-found" });
      }
      writeFile(`${root}/gone`, patterned(1));
      // A source may answer from the stat that it gave, or look again.
      const gone = () =>
        source.metadata(`${root}/missing`, { ...stat }, { withAtime: false, onWarning: () => undefined });
      expect(gone).toThrow(expect.objectContaining({ code: "not-found" }));
    });

    test("a link is a link: it is not followed by stat, metadata, list or read", async () => {
      const { source, root, writeFile, makeDirectory, makeSymlink } = open();
      writeFile(`${root}/file`, patterned(10));
      makeDirectory(`${root}/folder`);
      makeSymlink(`${root}/to-file`, "file");
      makeSymlink(`${root}/to-folder`, "folder");
      makeSymlink(`${root}/to-nowhere`, "no\udcff where");
      expect(source.stat(`${root}/to-file`).type).toBe("symlink");
      expect(metadata(source, `${root}/to-file`)).toMatchObject({
        name: "to-file",
        type: "symlink",
        linkTarget: "file",
        size: 0,
      });
      expect(metadata(source, `${root}/to-nowhere`).linkTarget).toBe("no\udcff where");
      await expect(source.list(`${root}/to-folder`)).rejects.toMatchObject({ code: "source-unreadable" });
      await expect(readAll(source, `${root}/to-file`)).rejects.toMatchObject({ code: "source-unreadable" });
    });

    test("a link is followed on the way and, where it is asked for, at the end", async () => {
      const { source, root, writeFile, makeDirectory, makeSymlink } = open();
      makeDirectory(`${root}/folder`);
      writeFile(`${root}/folder/file`, patterned(3));
      makeSymlink(`${root}/link`, "folder");
      makeSymlink(`${root}/absolute`, `${root}/link`);
      expect(await readAll(source, `${root}/link/file`)).toEqual(patterned(3));
      const followLinks = true;
      const stat = source.stat(`${root}/absolute`, { followLinks });
      expect(stat.type).toBe("dir");
      expect(await source.list(`${root}/absolute`, { followLinks })).toEqual(["file"]);
      const options = { withAtime: false, onWarning: () => undefined, followLinks };
      expect(source.metadata(`${root}/absolute`, stat, options)).toMatchObject({
        name: "absolute",
        type: "dir",
        linkTarget: "",
      });
    });

    test("a directory has no content to read, a file no names to list", async () => {
      const { source, root, writeFile } = open();
      writeFile(`${root}/file`, patterned(1));
      await expect(readAll(source, root)).rejects.toMatchObject({ code: "source-unreadable" });
      await expect(source.list(`${root}/file`)).rejects.toMatchObject({
        code: expect.stringMatching(/^(source-unreadable|not-found)$/),
      });
    });

    test("metadata agrees with stat, and has a size and links where a node has them", async () => {
      const { source, root, writeFile, makeDirectory } = open();
      writeFile(`${root}/file`, patterned(5));
      makeDirectory(`${root}/folder`);
      const stat = source.stat(`${root}/file`);
      const { mtimeNs, ctimeNs, inode, deviceId } = stat;
      expect(metadata(source, `${root}/file`)).toMatchObject({
        name: "file",
        type: "file",
        size: 5,
        links: 1n,
        atimeNs: mtimeNs,
        mtimeNs,
        ctimeNs,
        inode,
        deviceId,
      });
      expect(metadata(source, `${root}/folder`)).toMatchObject({ type: "dir", size: 0, links: 0n, device: 0n });
    });

    test("the entries of a directory say what metadata says of each, whatever names and kinds they have", async () => {
      const { source, root, writeFile, makeDirectory, makeSymlink } = open();
      for (const name of ["plain", "été", "\udcff bytes", "line\nfeed", "a & b"])
        writeFile(`${root}/${name}`, patterned(5));
      makeDirectory(`${root}/folder`);
      makeSymlink(`${root}/link`, "plain");
      const entries = new EntryTable();
      for (const withAtime of [false, true]) {
        await source.entries(root, entries, { withAtime });
        expect(entries.count).toBe(7);
        const expected = new EntryTable();
        for (let row = 0; row < entries.count; row += 1) {
          const name = entries.name(row);
          const read = metadata(source, `${root}/${name}`, withAtime);
          addEntry(expected, name, read);
          expect(entries.type(row), name).toBe(read.type);
          expect(isSameEntry(entries, row, expected, row), name).toBe(true);
        }
      }
      expect(new Set(Array.from({ length: 7 }, (_, row) => entries.name(row))).size).toBe(7);
      await source.entries(`${root}/folder`, entries, { withAtime: false });
      expect(entries.count).toBe(0);
    });

    test("entries that are not wanted are left out", async () => {
      const { source, root, writeFile } = open();
      for (const name of ["a", "b", "c"]) writeFile(`${root}/${name}`, patterned(1));
      const entries = new EntryTable();
      const seen: string[] = [];
      const wants = (name: string) => seen.push(name) > 0 && name !== "b";
      await source.entries(root, entries, { withAtime: false, wants });
      expect([entries.name(0), entries.name(1)].sort()).toEqual(["a", "c"]);
      expect([entries.count, ...seen.sort()]).toEqual([2, "a", "b", "c"]);
    });

    test("entries are listed of directories only, through links only if that is asked for", async () => {
      const { source, root, writeFile, makeDirectory, makeSymlink } = open();
      makeDirectory(`${root}/folder`);
      writeFile(`${root}/folder/file`, patterned(1));
      makeSymlink(`${root}/link`, "folder");
      const entries = new EntryTable();
      const options = { withAtime: false };
      await source.entries(`${root}/link`, entries, { ...options, followLinks: true });
      expect(entries.name(0)).toBe("file");
      const rejects = async (path: string, code: unknown) =>
        await expect(source.entries(path, entries, options), path).rejects.toMatchObject({ code });
      await rejects(`${root}/link`, "source-unreadable");
      await rejects(`${root}/missing`, "not-found");
      await rejects(`${root}/folder/file/below`, "not-found");
      await rejects(`${root}/folder/file`, "source-unreadable");
    });

    test("reading stops at an aborted signal", async () => {
      const { source, root, writeFile } = open();
      writeFile(`${root}/file`, patterned(10));
      const signal = AbortSignal.abort(new DOMException("enough", "AbortError"));
      await expect(readAll(source, `${root}/file`, signal)).rejects.toThrow("enough");
    });

    test("a reader that stops early can remove the file and read another", async () => {
      const { source, root, writeFile, remove } = open();
      writeFile(`${root}/file`, patterned(2_000_000));
      for await (const piece of source.read(`${root}/file`)) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      remove(`${root}/file`);
      expect(() => source.stat(`${root}/file`)).toThrow(expect.objectContaining({ code: "not-found" }));
    });

    test("absolute paths come out clean", () => {
      const { source, root } = open();
      expect(source.absolute(`${root}/a/../b//./c/`)).toBe(`${root}/b/c`);
      expect(source.absolute(`${root}/a\udcff/..`)).toBe(root);
    });
  });
}

function metadata(source: FileSource, path: string, withAtime = false): SourceMetadata {
  const onWarning = (_path: string, message: string) => expect.fail(message);
  return source.metadata(path, source.stat(path), { withAtime, onWarning });
}

/** All bytes, copied piece by piece: a piece is valid only until the next. */
export async function readAll(source: FileSource, path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source.read(path, { signal })) pieces.push(piece.slice());
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

/** Bytes that no shift or repetition looks like. */
function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => Math.imul(index + 1, 0x9e3779b1) >>> 24);
}
