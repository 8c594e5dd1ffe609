import { sealBlob } from "../../blob/seal-blob.ts";
import { deriveUserKey, encodeMasterKey, type MasterKey } from "../../crypto/master-key.ts";
import type { ScryptCost } from "../../crypto/primitives.ts";
import { seal } from "../../crypto/seal.ts";
import type { BlobType, PackedBlob } from "../../format/blob.ts";
import { encodeConfig } from "../../format/config.ts";
import { type BlobId, blobIdFromBytes, type ObjectId, objectIdFromBytes } from "../../format/ids.ts";
import { encodeKeyFile } from "../../format/key-file.ts";
import { decodePackHeader } from "../../format/pack-header.ts";
import { objectName } from "../../format/object-name.ts";
import { PackBuilder } from "../../pack/pack-builder.ts";
import { memoryDraft } from "../../pack/pack-draft.ts";
import type { Repository, RepositoryDeps } from "../../repository/repository.ts";
import { saveUnpacked, type UnpackedKind } from "../../repository/unpacked-files.ts";

/** The JSON of a node, as hostile as a test wants it. */
export type ForgedNode = Readonly<Record<string, unknown>>;

/** What is said of a blob instead of the truth. */
export interface Lies {
  /** In the pack's header and in the index. Unless 0, the content counts as zstd data. */
  readonly uncompressedLength?: number;
  /** In the index only. */
  readonly index?: Partial<PackedBlob>;
}

/** Puts into a repository what no honest program would, sealed with the repository's own key: for tests of what readers make of it. */
export class Forger {
  readonly #repository: Repository;
  #builder = new PackBuilder(memoryDraft());
  readonly #lies = new Map<string, Partial<PackedBlob>>();

  constructor(repository: Repository) {
    this.#repository = repository;
  }

  /** Adds a blob as it is, uncompressed. `content` is what the id names, if it is not what is stored. */
  addBlob(type: BlobType, stored: Uint8Array, { uncompressedLength = 0, index }: Lies = {}, content = stored): BlobId {
    const { compute, masterKey } = this.#repository;
    const id = blobIdFromBytes(compute.primitives.sha256(content));
    const { sealed } = sealBlob(compute.primitives, masterKey, stored, "off");
    this.#builder.add({ type, id }, { sealed, uncompressedLength });
    if (index) this.#lies.set(`${type}/${id}`, index);
    return id;
  }

  /** Adds a tree of these nodes in this order; text is taken as the whole blob. */
  addTree(nodes: readonly ForgedNode[] | string): BlobId {
    const text = typeof nodes === "string" ? nodes : `${JSON.stringify({ nodes })}\n`;
    return this.addBlob("tree", new TextEncoder().encode(text));
  }

  /** Stores what was added as one pack with an index file of its own. */
  async store(): Promise<ObjectId> {
    const { store, compute, masterKey } = this.#repository;
    const { id, content, header } = this.#builder.finish(compute.primitives, masterKey);
    this.#builder = new PackBuilder(memoryDraft());
    await store.put(objectName("data", id), content);
    const told = decodePackHeader(header, 2).map((blob) => ({ ...blob, ...this.#lies.get(`${blob.type}/${blob.id}`) }));
    await this.json("index", { packs: [{ id, blobs: told.map(indexEntry) }] });
    return id;
  }

  /** Stores a snapshot of this tree, with these fields in place of the usual ones. */
  async snapshot(tree: BlobId, fields: ForgedNode = {}): Promise<ObjectId> {
    const usual = { time: "2024-01-01T00:00:00Z", tree, paths: ["/forged"], hostname: "mallory", username: "mallory" };
    return await this.json("snapshots", { ...usual, ...fields });
  }

  /** Stores any JSON as an index, snapshot or lock. */
  async json(kind: UnpackedKind, value: unknown): Promise<ObjectId> {
    return await saveUnpacked(this.#repository, kind, new TextEncoder().encode(JSON.stringify(value)));
  }

  /** Stores any bytes, sealed, as an index, snapshot or lock. */
  async sealed(kind: UnpackedKind, plain: Uint8Array): Promise<ObjectId> {
    const { store, compute, masterKey } = this.#repository;
    const bytes = seal(compute.primitives, masterKey, plain);
    const id = objectIdFromBytes(compute.primitives.sha256(bytes));
    await store.put(objectName(kind, id), bytes);
    return id;
  }
}

function indexEntry({ uncompressedLength, ...blob }: PackedBlob): ForgedNode {
  return uncompressedLength === 0 ? blob : { ...blob, uncompressed_length: uncompressedLength };
}

/** Replaces the config by this one, or by any JSON. */
export async function forgeConfig(repository: Repository, json?: ForgedNode): Promise<void> {
  const { store, compute, masterKey, config } = repository;
  const plain = json ? new TextEncoder().encode(JSON.stringify(json)) : encodeConfig(config);
  await store.delete("config");
  await store.put("config", seal(compute.primitives, masterKey, plain));
}

/** Adds a key file with this cost. With `claim` the file asks for another cost than its key was made with, and so never opens. */
export async function forgeKeyFile(
  { store, compute: { primitives }, masterKey }: RepositoryDeps & { readonly masterKey: MasterKey },
  {
    password,
    cost,
    claim = cost,
  }: { readonly password: string; readonly cost: ScryptCost; readonly claim?: ScryptCost },
): Promise<ObjectId> {
  const salt = primitives.randomBytes(64);
  const userKey = await deriveUserKey(primitives, password, salt, cost);
  const bytes = encodeKeyFile({
    created: "2024-01-01T00:00:00Z",
    username: "mallory",
    hostname: "mallory",
    cost: claim,
    salt,
    data: seal(primitives, userKey, encodeMasterKey(masterKey)),
  });
  const id = objectIdFromBytes(primitives.sha256(bytes));
  await store.put(objectName("keys", id), bytes);
  return id;
}
