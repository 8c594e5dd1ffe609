#!/usr/bin/env node
import { parseArgs } from "node:util";
import type { Kysely } from "kysely";
import { systemClock } from "./clock.ts";
import { readConfig } from "./config.ts";
import { openCommandDatabase } from "./database/open-database.ts";
import type { Database } from "./database/schema.ts";
import { ensureFirstTenant, makeSetUpToken, needsSetUp } from "./features/accounts/set-up.ts";
import { theServer } from "./features/audit/index.ts";
import { createApiKey, listApiKeys, revokeApiKey } from "./features/api-keys/index.ts";
import { describeKeys } from "./features/api-keys/describe-keys.ts";
import { runProgram } from "./run-program.ts";
import { errorText, ServerError } from "./server-error.ts";
import { version } from "./version.ts";

const help = `SaveOS server ${version}

  saveos-server start                        Run the server. Settings come from the environment.
      --role api|worker                      Only answer requests, or only do the server's own tasks. Without this, both.
  saveos-server setup-link                   Print a new link with which the first owner makes their account.
  saveos-server create-api-key               Make a key that may do everything and print it, once.
      --name NAME                            What it is for, to find it again.
      --expires-in-days N                    It stops working then. Without this, never.
  saveos-server list-api-keys                Show the keys there are, without what opens something.
  saveos-server revoke-api-key ID            Make a key useless at once.
  saveos-server version

Example: KEY=$(npx saveos-server create-api-key --name laptop)
The commands work on the server of SAVEOS_DATA_DIR (or DATABASE_URL), whether it runs or not.
`;

const commands: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  start: async (args) => {
    const { values } = parse(args, { role: { type: "string" } }, 0);
    const role = values["role"];
    // The other commands need none of the server's parts: they start several times faster without.
    const { serve } = await import("./main.ts");
    await serve(role === undefined ? process.env : { ...process.env, SAVEOS_ROLE: role });
  },
  "setup-link": setUpLink,
  "create-api-key": createKey,
  "list-api-keys": async (args) => {
    parse(args, {}, 0);
    const keys = await withDatabase(listApiKeys);
    process.stdout.write(describeKeys(keys, systemClock.now()));
  },
  "revoke-api-key": revokeKey,
  version: async () => void process.stdout.write(`${version}\n`),
  help: async () => void process.stdout.write(help),
};

async function main([name = "help", ...args]: string[]): Promise<void> {
  const wanted = { "--help": "help", "-h": "help", "--version": "version" }[name] ?? name;
  const command = Object.hasOwn(commands, wanted) ? commands[wanted] : undefined;
  if (command === undefined) throw misused(`There is no command ${name}`);
  await command(args);
}

async function createKey(args: string[]): Promise<void> {
  const { values } = parse(args, { name: { type: "string" }, "expires-in-days": { type: "string" } }, 0);
  const days = values["expires-in-days"];
  if (days !== undefined && !/^[1-9][0-9]{0,4}$/.test(days)) {
    throw misused("--expires-in-days takes a whole number of days from 1 to 99999");
  }
  const wanted = {
    name: values["name"] ?? "command line",
    expiresInDays: days === undefined ? undefined : Number(days),
  };
  const created = await withDatabase(
    async (database) => await createApiKey({ database, clock: systemClock }, theServer, { ...wanted, role: "owner" }),
  );
  process.stdout.write(`${created.key}\n`);
  const until = created.expiresAt === null ? "until you revoke it" : `until ${created.expiresAt.toISOString()}`;
  process.stderr.write(
    `This API key opens everything on this server, ${until}. It is shown this once: the server keeps its hash only.\n` +
      `To revoke it: npx saveos-server revoke-api-key ${created.id}\n`,
  );
}

async function revokeKey(args: string[]): Promise<void> {
  const [id = ""] = parse(args, {}, 1).positionals;
  // Whoever has the key at hand but not its id shouldn't have to take it apart.
  const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(id)?.[0];
  if (uuid === undefined) throw misused("revoke-api-key takes the id of a key, as list-api-keys shows it");
  const existed = await withDatabase(
    async (database) => await revokeApiKey({ database, clock: systemClock }, theServer, uuid),
  );
  if (!existed) throw new ServerError("not-found", `There is no API key with the id ${uuid}.`);
  process.stderr.write(`The API key ${uuid} opens nothing any more.\n`);
}

/** The link goes to the port that the settings name: whoever started the server on another one changes it there. */
async function setUpLink(args: string[]): Promise<void> {
  parse(args, {}, 0);
  const config = readConfig(process.env);
  await using opened = await openCommandDatabase(config);
  const { accounts } = opened.databases;
  if (!(await needsSetUp(accounts)))
    throw new ServerError("bad-setting", "This server is set up already: ask an owner for an invitation.");
  const token = await makeSetUpToken({ accounts, clock: systemClock });
  process.stdout.write(`http://localhost:${config.httpPort}/setup#${token}\n`);
}

/** Does `work` in the server's first tenant. */
async function withDatabase<T>(work: (database: Kysely<Database>) => Promise<T>): Promise<T> {
  await using opened = await openCommandDatabase(readConfig(process.env));
  const { databases } = opened;
  return await work(databases.ofTenant(await ensureFirstTenant(databases.accounts)));
}

function parse(args: string[], options: Record<string, { type: "string" }>, positionalsMax: number) {
  try {
    return parseArgs({ args, options, allowPositionals: positionalsMax > 0 });
  } catch (cause) {
    throw misused(errorText(cause));
  }
}

function misused(message: string): ServerError {
  return new ServerError("bad-setting", `${message}.`, { hint: "See: saveos-server help" });
}

await runProgram(async () => await main(process.argv.slice(2)));
