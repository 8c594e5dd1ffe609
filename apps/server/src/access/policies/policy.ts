import type { Permission, Role } from "@saveos/contract";

/** For each thing that can be done with a resource, the least role that may do it. */
export type PolicyOf<Resource extends string> = Readonly<Record<Extract<Permission, `${Resource}:${string}`>, Role>>;
