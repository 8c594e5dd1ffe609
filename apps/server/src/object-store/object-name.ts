/** The kinds of objects that are named by the SHA-256 of their stored bytes; `data` objects are packs. */
export const hashedKinds = ["data", "index", "keys", "locks", "snapshots"] as const;

export type HashedKind = (typeof hashedKinds)[number];
export type ObjectKind = HashedKind | "config";

/** One object of a repository (restic design.rst, "Repository Layout"). `config` is the only one without a hash for a name. */
export type ObjectName =
  | { readonly kind: "config"; readonly name: "config" }
  | { readonly kind: HashedKind; readonly name: string };

export type HashedName = Extract<ObjectName, { readonly kind: HashedKind }>;

/** What is history, and goes to quarantine when it is deleted. A config is never deleted, and a lock is no history. */
export const deletableKinds = ["data", "index", "snapshots", "keys"] as const;

export type DeletableKind = (typeof deletableKinds)[number];
export type DeletableName = HashedName & { readonly kind: DeletableKind };

export function isDeletable(object: ObjectName): object is DeletableName {
  return isDeletableKind(object.kind);
}

export function isDeletableKind(kind: ObjectKind): kind is DeletableKind {
  return (deletableKinds as readonly ObjectKind[]).includes(kind);
}

export const configName: ObjectName = { kind: "config", name: "config" };

const hashPattern = /^[0-9a-f]{64}$/;

/** Anything else that lies in a repository (an unfinished upload, a file somebody put there) is not an object. */
export function isObjectHash(text: string): boolean {
  return hashPattern.test(text);
}

export function isHashedKind(text: string): text is HashedKind {
  return (hashedKinds as readonly string[]).includes(text);
}

/** Where restic's default layout keeps an object, relative to the repository: packs lie in 256 folders by their first two digits. */
export function layoutPath(object: ObjectName): string {
  if (object.kind === "config") return "config";
  if (object.kind === "data") return `data/${object.name.slice(0, 2)}/${object.name}`;
  return `${object.kind}/${object.name}`;
}

/** An object's name for people and logs, as in the REST protocol: `config`, `data/<64 hex>`. */
export function labelOf(object: ObjectName): string {
  return object.kind === "config" ? "config" : `${object.kind}/${object.name}`;
}
