import {
  type HashedKind,
  type ObjectName,
  configName,
  isHashedKind,
  isObjectHash,
} from "../object-store/object-name.ts";

/** What a request's address means in restic's REST protocol (restic REST_backend.rst). */
export type GatewayTarget =
  | { readonly of: "repository" }
  | { readonly of: "list"; readonly kind: HashedKind }
  | { readonly of: "object"; readonly object: ObjectName };

export interface GatewayAddress {
  readonly repositoryId: string;
  readonly target: GatewayTarget;
}

const address = /^\/restic\/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\/([^?#]*)(?:\?.*)?$/;

/**
 * Reads the address as it came over the wire: `/restic/<uuid>/`, then nothing, `config`, `<kind>/` or `<kind>/<64 hex>`. No decoding, no
 * other spelling: whatever else it is, there is nothing at that address.
 */
export function parseAddress(url: string): GatewayAddress | undefined {
  const [, repositoryId, path] = address.exec(url) ?? [];
  if (repositoryId === undefined || path === undefined) return undefined;
  const target = parseTarget(path);
  return target === undefined ? undefined : { repositoryId, target };
}

function parseTarget(path: string): GatewayTarget | undefined {
  if (path === "") return { of: "repository" };
  if (path === "config") return { of: "object", object: configName };
  const slash = path.indexOf("/");
  const kind = path.slice(0, slash);
  const name = path.slice(slash + 1);
  if (slash === -1 || !isHashedKind(kind)) return undefined;
  if (name === "") return { of: "list", kind };
  return isObjectHash(name) ? { of: "object", object: { kind, name } } : undefined;
}

/** What may be done at an address; anything else is answered with 405 and this list. */
export function methodsOf(target: GatewayTarget): readonly string[] {
  if (target.of === "repository") return ["POST"];
  if (target.of === "list") return ["GET"];
  return ["DELETE", "GET", "HEAD", "POST"];
}

const listTypeV1 = "application/vnd.x.restic.rest.v1";
const listTypeV2 = "application/vnd.x.restic.rest.v2";

/** The version of the protocol that a client asks for: exactly version 2's type, or version 1. */
export function listTypeFor(accept: string | undefined): typeof listTypeV1 | typeof listTypeV2 {
  return accept === listTypeV2 ? listTypeV2 : listTypeV1;
}

/** `undefined` unless there is exactly one length, in digits, that a number holds exactly. */
export function parseContentLength(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,15}$/.test(header)) return undefined;
  return Number(header);
}
