import { type ObjectId, isId, parseObjectId } from "../format/ids.ts";
import { type ObjectKind, type ObjectName, objectKinds } from "../format/object-name.ts";
import { EngineError } from "../errors/engine-error.ts";

/** The name of any object but `config`: its second half is the SHA-256 of its bytes. */
export type HashedName = Exclude<ObjectName, "config">;

export function hashedName(kind: ObjectKind, id: ObjectId): HashedName {
  return `${kind}/${id}`;
}

/** The kind and id that a hashed name is made of. Throws `corrupt-data` for anything else. */
export function splitName(name: HashedName): { readonly kind: ObjectKind; readonly id: ObjectId } {
  const [kindText, idText = ""] = name.split("/");
  const kind = objectKinds.find((known) => known === kindText);
  if (kind === undefined) throw new EngineError("corrupt-data", `Not an object name: ${JSON.stringify(name)}`);
  return { kind, id: parseObjectId(idText) };
}

/**
 * Where restic's default layout, that of folders and buckets, keeps an object: packs are spread over 256 folders by the first byte of
 * their id, everything else is flat (restic design.rst, "Repository Layout"). Relative, with slashes.
 */
export function layoutPath(name: ObjectName): string {
  if (name === "config") return name;
  const { kind, id } = splitName(name);
  return `${layoutFolder(kind, id)}/${id}`;
}

/** The folder that holds `id`. */
export function layoutFolder(kind: ObjectKind, id: ObjectId): string {
  return kind === "data" ? `data/${shardOf(id)}` : kind;
}

/** The pack folders, `00` to `ff`. */
export const shards: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The first byte of an id: the name of its folder where objects are spread. */
export function shardOf(id: ObjectId): string {
  return id.slice(0, 2);
}

/** What a listing of a folder found, if it is an object: leftover temporary files and strangers are not. */
export function idFromFileName(fileName: string): ObjectId | undefined {
  return isId(fileName) ? parseObjectId(fileName) : undefined;
}
