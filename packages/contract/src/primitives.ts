import { z } from "zod";

/** Server-made identifiers: agents, jobs, repositories, API keys. */
export const uuid = z.uuid();

/** RFC 3339 in UTC. */
export const timestamp = z.iso.datetime({ offset: true });

/** A count or a number of bytes that stays exact in JSON. */
export const count = z.int().nonnegative();

/** 64 lower-case hex digits, as restic names objects. */
export const hexId = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");

/** A machine's name as it calls itself (RFC 1123, and underscores because machines have them). */
export const hostname = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/, "must be a host name");

export const platform = z.enum(["linux", "windows", "macos"]);

/** A time zone by its name in the IANA database, such as `Europe/Paris`, or an offset such as `+05:30`. */
export const timeZone = z.string().max(64).refine(isTimeZone, "must be a time zone such as Europe/Paris");

/** Zones that were found to be one. To find out takes a quarter of a millisecond, and every heartbeat names its machine's. */
const knownZones = new Set<string>();

/** The database has some 600 names; whoever spells them in many ways gains nothing. */
const knownZonesMax = 5000;

function isTimeZone(name: string): boolean {
  if (knownZones.has(name)) return true;
  try {
    // Throws for a name that it doesn't know.
    Intl.DateTimeFormat("en", { timeZone: name });
    if (knownZones.size < knownZonesMax) knownZones.add(name);
    return true;
  } catch {
    return false;
  }
}

/** The public half of an agent's key pair (age X25519): what is sealed to it, only the agent can open. */
export const recipient = z.string().regex(/^age1[02-9ac-hj-np-z]{58}$/, "must be an age recipient");
