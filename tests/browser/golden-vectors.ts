import {
  check,
  findSnapshot,
  inlineCompute,
  listSnapshots,
  openRepository,
  type Primitives,
  type Repository,
  restore,
  restStore,
  systemClock,
} from "@saveos/engine";
import { chunks } from "../../packages/engine/src/chunk/chunker.ts";
import { isIrreducible } from "../../packages/engine/src/chunk/polynomial.ts";
import { open } from "../../packages/engine/src/crypto/seal.ts";
import { encodeName } from "../../packages/engine/src/format/names.ts";
import { utcZone } from "../../packages/engine/src/format/time.ts";
import { decodeTree, encodeTree } from "../../packages/engine/src/format/tree.ts";
import { type MemoryEntry, memoryTarget } from "../../packages/engine/src/platform/testing/memory-target.ts";
import { plainRestore } from "../../packages/engine/src/platform/testing/plain-restore.ts";

/** One thing that must come out to the byte, wherever the engine runs. */
export interface GoldenResult {
  readonly name: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * Holds the engine's portable core against what restic, Go and the RFCs say. No line of it knows where it runs: `origin` serves the golden tree, and the
 * fixture that stock restic wrote as a REST repository (`serve-vectors.ts`).
 */
export async function goldenResults(primitives: Primitives, origin: string): Promise<GoldenResult[]> {
  return [
    ...polynomials(),
    ...(await chunkBorders(primitives)),
    ...cryptography(primitives),
    ...(await keyDerivation(primitives)),
    ...(await goldenTree(primitives, origin)),
    ...(await resticRepository(primitives, origin)),
  ];
}

function result(name: string, expected: unknown, found: unknown): GoldenResult {
  return { name, expected: String(expected), found: String(found) };
}

const polynomial = 0x3da3358b4dc173n;

function polynomials(): GoldenResult[] {
  const known = [
    [polynomial, true],
    [0x2482734cacca49n, true],
    [0x38f1e565e288dfn, false],
    [0x3da3358b4dc171n, false],
  ] as const;
  return known.map(([value, expected]) =>
    result(`polynomial ${value.toString(16)} is irreducible`, expected, isIrreducible(value)),
  );
}

const mib = 1024 * 1024;

/** Lengths of the chunks and hash of the first one, as stock restic cuts. */
async function chunkBorders(primitives: Primitives): Promise<GoldenResult[]> {
  const reproducible = reproducibleBytes(primitives, 8 * mib);
  const cases = [
    {
      name: "reproducible bytes",
      bytes: reproducible,
      by: polynomial,
      expected: "668570 3426042 2438021 1855975 10acc4030ee33f7f6a2b90002be28a2980fb8e71b904a7b1317f0684c4545434",
    },
    {
      name: "reproducible bytes by another polynomial",
      bytes: reproducible,
      by: 0x249d0c971a3a5fn,
      expected:
        "740332 1113161 1017972 949875 3533774 1033494 833bc6b7bc22f21919e11ea1212f370c43cc477a361bbffe25c6f18c381da3f6",
    },
    {
      name: "zeros",
      bytes: new Uint8Array(524_289),
      by: polynomial,
      expected: "524288 1 07854d2fef297a06ba81685e660c332de36d5d18d546927d30daad6d7fda1541",
    },
    {
      name: "one letter",
      bytes: new Uint8Array(20 * mib).fill(0x61),
      by: polynomial,
      expected: "8388608 8388608 4194304 ad97f87076920684e2ca66fc44e5d322797dc9d64706b174e51b5d0828937043",
    },
  ];
  const results: GoldenResult[] = [];
  for (const { name, bytes, by, expected } of cases) {
    const parts: Uint8Array[] = [];
    for await (const part of chunks(inPieces(bytes), by)) parts.push(part);
    const found = [...parts.map(({ length }) => length), primitives.sha256(parts[0] ?? new Uint8Array()).toHex()];
    results.push(result(`chunks of ${name}`, expected, found.join(" ")));
  }
  return results;
}

/** SHA-256("saveos-cdc-1" ‖ uint64-LE(i)) for i = 0, 1, …: bytes that everybody can make again. */
function reproducibleBytes({ sha256 }: Primitives, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  const input = new Uint8Array(20);
  input.set(encodeName("saveos-cdc-1"));
  const counter = new DataView(input.buffer, 12);
  for (let i = 0; i * 32 < lengthBytes; i++) {
    counter.setBigUint64(0, BigInt(i), true);
    bytes.set(sha256(input), i * 32);
  }
  return bytes;
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 300_000) yield bytes.slice(at, at + 300_000);
}

function cryptography(primitives: Primitives): GoldenResult[] {
  const hex = (text: string) => Uint8Array.fromHex(text);
  const key = {
    encrypt: hex("303e8687b1d7db18421bdc6bb8588ccadac4d59ee87b8ff70c44e635790cafef"),
    macK: hex("ef4d8824cb80b2bcc5fbff8a9b12a42c"),
    macR: hex("cc8d4b948ee0ebfe1d415de921d10353"),
  };
  const sealed = hex(
    "69fb41c62d12def4593bd71757138606338f621aeaeb39da0fe4f99233f8037a54ea63338a813bcf3f75d8c3cc75dddf8750",
  );
  const poly1305Key = hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
  const message = encodeName("Cryptographic Forum Research Group");
  return [
    result("what restic sealed", "Dies ist ein Test!", new TextDecoder().decode(open(primitives, key, sealed))),
    result(
      "Poly1305 (RFC 8439, section 2.5.2)",
      "a8061dc1305136c6c22b8baf0c0127a9",
      primitives.poly1305(poly1305Key, message).toHex(),
    ),
  ];
}

async function keyDerivation(primitives: Primitives): Promise<GoldenResult[]> {
  const key = await primitives.scrypt(encodeName("password"), encodeName("NaCl"), { N: 1024, r: 8, p: 16 }, 32);
  return [
    result(
      "scrypt (RFC 7914, section 12)",
      "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162",
      key.toHex(),
    ),
  ];
}

async function goldenTree({ sha256 }: Primitives, origin: string): Promise<GoldenResult[]> {
  const answer = await fetch(`${origin}/golden-tree.json`);
  const tree = new Uint8Array(await answer.arrayBuffer());
  const expected = "6983f2fe46409858db5484f851c2f15fa16002f415f566f352d097d68b015959";
  return [
    result("the golden tree as it came", expected, sha256(tree).toHex()),
    result("the golden tree read and written again", expected, sha256(encodeTree(decodeTree(tree), utcZone)).toHex()),
  ];
}

/** The fields of `saveos-v2-restic0.14.expected.json` that this holds against the restored files. */
interface ExpectedFile {
  readonly path_hex: string;
  readonly sha256?: string;
  readonly target?: string;
}

/** A whole repository of stock restic, over HTTP: key, config, index, snapshots, and every file of the latest one restored into memory. */
async function resticRepository(primitives: Primitives, origin: string): Promise<GoldenResult[]> {
  const store = restStore({ url: `${origin}/repository/`, fetch: (...request) => fetch(...request) });
  const repository = await openRepository(
    { store, compute: inlineCompute(primitives), clock: systemClock },
    { password: "geheim" },
  );
  const snapshots = await listSnapshots(repository);
  const checked = await check(repository, { lock: noLock, readData: "all" });
  const answer = await fetch(`${origin}/expected.json`);
  const { files } = (await answer.json()) as { files: ExpectedFile[] };
  return [
    result("the fixture's polynomial", polynomial, repository.config.chunkerPolynomial),
    result("the fixture's snapshots", 3, snapshots.length),
    result("what a check that reads everything finds wrong", 0, checked.errors),
    ...(await restoredFiles(repository, primitives, files)),
  ];
}

const noLock = { noLock: true, hostname: "browser", username: "", pid: 1 };

async function restoredFiles(
  repository: Repository,
  primitives: Primitives,
  files: readonly ExpectedFile[],
): Promise<GoldenResult[]> {
  const target = memoryTarget();
  const { problems } = await restore(repository, target, {
    ...(await findSnapshot(repository, "latest")),
    ...plainRestore,
    verify: true,
    lock: noLock,
  });
  const results = [result("what can't be restored", 0, problems)];
  const found = new Map<string, MemoryEntry>();
  const walk = (path: string, entry: MemoryEntry | undefined): void => {
    for (const [name, child] of entry?.children ?? []) {
      found.set(encodeName(`${path}${name}`).toHex(), child);
      walk(`${path}${name}/`, child);
    }
  };
  walk("", sourceFolder(target.entry("/"), files));
  for (const { path_hex: path, sha256, target: linkTarget = "" } of files) {
    const entry = found.get(path);
    const content = entry?.type === "file" ? primitives.sha256(entry.bytes).toHex() : (entry?.linkTarget ?? "gone");
    results.push(result(`the restored ${path}`, sha256 ?? linkTarget, content));
  }
  return results;
}

/** The snapshot holds the folders above the source, too: goes down to where the expected files are. */
function sourceFolder(root: MemoryEntry | undefined, files: readonly ExpectedFile[]): MemoryEntry | undefined {
  const names = new Set([...(root?.children.keys() ?? [])].map((name) => encodeName(name).toHex()));
  if (!root || files.every(({ path_hex: path }) => path.includes("2f") || names.has(path))) return root;
  const [only] = root.children.values();
  return sourceFolder(only, files);
}
