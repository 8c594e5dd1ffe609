import { type Role, timestamp, type User, uuid } from "@saveos/contract";
import { type Kysely, sql } from "kysely";
import type { Database } from "../../database/schema.ts";
import { pageOf, placeOf } from "../../http/pages.ts";

/** To the millisecond, as cursors have it: the database tells microseconds. */
const joinedAt = sql`date_trunc('milliseconds', members.created_at)`;

/** The people of a tenant, in the order in which they joined. */
export async function listUsers(
  database: Kysely<Database>,
  { role, cursor, limit }: { role?: Role | undefined; cursor?: string | undefined; limit: number },
): Promise<{ users: User[]; next_cursor: string | null }> {
  const after = placeOf(cursor, timestamp, uuid);
  let query = selectUsers(database)
    .orderBy(joinedAt)
    .orderBy("users.id")
    .limit(limit + 1);
  if (role !== undefined) query = query.where("members.role", "=", role);
  if (after !== undefined) {
    query = query.where(sql<boolean>`(${joinedAt}, users.id) > (${after[0]}::timestamptz, ${after[1]}::uuid)`);
  }
  const { rows, nextCursor } = pageOf(await query.execute(), limit, (row) => [row.joined_at.toISOString(), row.id]);
  return { users: rows.map(toUser), next_cursor: nextCursor };
}

/** One person of the tenant, held for a change until the transaction ends if so asked. */
export async function findUser(
  database: Kysely<Database>,
  userId: string,
  { forUpdate = false } = {},
): Promise<User | undefined> {
  let query = selectUsers(database).where("users.id", "=", userId);
  if (forUpdate) query = query.forUpdate("members");
  const row = await query.executeTakeFirst();
  return row === undefined ? undefined : toUser(row);
}

function selectUsers(database: Kysely<Database>) {
  return database
    .selectFrom("members")
    .innerJoin("users", "users.id", "members.user_id")
    .select(["users.id", "users.name", "users.email", "members.role", "members.created_at as joined_at"]);
}

function toUser({ joined_at, ...user }: Omit<User, "joined_at"> & { joined_at: Date }): User {
  return { ...user, joined_at: joined_at.toISOString() };
}
