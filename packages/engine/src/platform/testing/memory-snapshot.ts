import { createHash } from "node:crypto";
import { EngineError } from "../../errors/engine-error.ts";
import { type BlobId, type ObjectId, parseBlobId, parseObjectId } from "../../format/ids.ts";
import { compareNames } from "../../format/names.ts";
import type { Node } from "../../format/node.ts";
import { modeDirectory } from "../../format/file-mode.ts";
import type { BlobPlace, SnapshotReader } from "../../target/snapshot-reader.ts";
import { NodeEntries, type TreeEntries } from "../../target/tree-entries.ts";
import { sampleNode } from "./sample-node.ts";

/** A directory as a test writes it: text is a file, an object a directory, anything else the fields of a node. */
export interface TreeSketch {
  readonly [name: string]: string | TreeSketch | NodeSketch;
}

/** A node's own fields, and for a file its content, for a directory what is in it. */
export class NodeSketch {
  readonly fields: Partial<Node>;
  readonly content: string | TreeSketch | readonly [string, TreeSketch[string]][] | undefined;

  constructor(fields: Partial<Node>, content?: string | TreeSketch | readonly [string, TreeSketch[string]][]) {
    this.fields = fields;
    this.content = content;
  }
}

export interface MemorySnapshotOptions {
  /** Files are cut into parts of so many bytes. */
  readonly partBytes?: number;
  readonly blobsPerPack?: number;
}

/** A snapshot in memory with small blobs in small packs, some of which may be lost, to restore from. */
export class MemorySnapshot implements SnapshotReader {
  readonly root: BlobId;
  /** What was read of packs, in order. */
  readonly reads: { readonly pack: ObjectId; readonly ids: readonly BlobId[] }[] = [];
  /** Blobs that can't be read. */
  readonly damaged = new Set<BlobId>();
  readonly #partBytes: number;
  readonly #blobsPerPack: number;
  readonly #trees = new Map<BlobId, Node[]>();
  readonly #blobs = new Map<BlobId, { plain: Uint8Array; pack: ObjectId; offset: number }>();
  readonly #packSizes = new Map<ObjectId, number>();

  constructor(sketch: TreeSketch, { partBytes = 4, blobsPerPack = 3 }: MemorySnapshotOptions = {}) {
    this.#partBytes = partBytes;
    this.#blobsPerPack = blobsPerPack;
    this.root = this.#addTree(sortedEntries(sketch));
  }

  /** Puts other entries into the root's tree, in any order and with any names, as a hostile repository may have them. */
  setRootEntries(entries: readonly [string, TreeSketch[string]][]): void {
    this.#trees.set(this.root, this.#nodesOf(entries));
  }

  tree(id: BlobId): Promise<TreeEntries> {
    const nodes = this.#trees.get(id);
    if (nodes && !this.damaged.has(id)) return Promise.resolve(new NodeEntries(nodes));
    return Promise.reject(new EngineError("corrupt-data", `tree ${id.slice(0, 8)} is damaged`));
  }

  /** The id that this text has as a part of a file. */
  idOf(text: string): BlobId {
    return parseBlobId(sha256(new TextEncoder().encode(text)));
  }

  locate(id: BlobId): BlobPlace | undefined {
    const blob = this.#blobs.get(id);
    if (!blob) return undefined;
    const length = blob.plain.length;
    return { pack: blob.pack, offset: blob.offset, length, uncompressedLength: 0, plainBytes: length };
  }

  async packBytes(pack: ObjectId, start: number, end: number): Promise<Uint8Array | undefined> {
    const inRun = [...this.#blobs].filter(
      ([, blob]) => blob.pack === pack && start <= blob.offset && blob.offset + blob.plain.length <= end,
    );
    this.reads.push({ pack, ids: inRun.map(([id]) => id) });
    const bytes = new Uint8Array(end - start);
    for (const [, { offset, plain }] of inRun) bytes.set(plain, offset - start);
    return await Promise.resolve(bytes);
  }

  /** Nothing is sealed here. */
  readonly openBlob = (sealed: Uint8Array, _: number, id: BlobId): Uint8Array => {
    if (this.damaged.has(id) || sha256(sealed) !== id) throw damage(id);
    return sealed;
  };

  async content(id: BlobId): Promise<Uint8Array> {
    const blob = this.#blobs.get(id);
    if (!blob || this.damaged.has(id)) throw damage(id, blob?.pack);
    return await Promise.resolve(blob.plain);
  }

  blobId(plain: Uint8Array): Promise<BlobId> {
    return Promise.resolve(parseBlobId(sha256(plain)));
  }

  #addTree(entries: readonly [string, TreeSketch[string]][]): BlobId {
    const nodes = this.#nodesOf(entries);
    const text = JSON.stringify(nodes, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
    const id = parseBlobId(sha256(new TextEncoder().encode(`tree ${text}`)));
    this.#trees.set(id, nodes);
    return id;
  }

  #nodesOf(entries: readonly [string, TreeSketch[string]][]): Node[] {
    return entries.map(([name, sketch]) => this.#nodeOf(name, sketch));
  }

  #nodeOf(name: string, sketch: TreeSketch[string]): Node {
    const { fields, content } = sketch instanceof NodeSketch ? sketch : new NodeSketch({}, sketch);
    if (content === undefined) return sampleNode({ name, ...fields });
    if (typeof content === "string") {
      const bytes = new TextEncoder().encode(content);
      return sampleNode({
        name,
        type: "file",
        links: 1n,
        size: bytes.length,
        content: this.#addContent(bytes),
        ...fields,
      });
    }
    const subtree = this.#addTree(isEntries(content) ? content : sortedEntries(content));
    return sampleNode({ name, type: "dir", mode: (modeDirectory | 0o755) >>> 0, subtree, ...fields });
  }

  #addContent(bytes: Uint8Array): BlobId[] {
    const ids: BlobId[] = [];
    for (let from = 0; from < bytes.length; from += this.#partBytes) {
      const plain = bytes.slice(from, from + this.#partBytes);
      const id = parseBlobId(sha256(plain));
      const pack = parseObjectId(String(Math.floor(this.#blobs.size / this.#blobsPerPack)).padStart(64, "0"));
      if (!this.#blobs.has(id)) {
        const offset = this.#packSizes.get(pack) ?? 0;
        this.#blobs.set(id, { plain, pack, offset });
        this.#packSizes.set(pack, offset + plain.length);
      }
      ids.push(id);
    }
    return ids;
  }
}

/** A symbolic link. */
export function symlink(linkTarget: string): NodeSketch {
  return new NodeSketch({ type: "symlink", linkTarget, mode: 0o777 });
}

/** A file with other fields than the usual ones. */
export function file(content: string, fields: Partial<Node> = {}): NodeSketch {
  return new NodeSketch(fields, content);
}

function damage(id: BlobId, pack = "?"): EngineError {
  return new EngineError("corrupt-data", `blob ${id.slice(0, 8)} in data/${pack.slice(0, 8)} is damaged`);
}

function isEntries(
  content: TreeSketch | readonly [string, TreeSketch[string]][],
): content is readonly [string, TreeSketch[string]][] {
  return Array.isArray(content);
}

function sortedEntries(sketch: TreeSketch): [string, TreeSketch[string]][] {
  return Object.entries(sketch).toSorted(([a], [b]) => compareNames(a, b));
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
