import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { ObjectStorageConfig } from "./object-store/index.ts";
import { ServerError } from "./server-error.ts";

/** Every setting of the server, read from the environment once and checked. */
export interface Config {
  /** Everything that the server keeps on its own disk, as an absolute path. */
  readonly dataFolder: string;
  /** The address on which agents and administrators are served over TLS. */
  readonly listenAddress: string;
  /** 0 takes any free port. */
  readonly httpsPort: number;
  /** Plain HTTP: for people on this machine, and for a proxy that ends TLS. 0 takes any free port. */
  readonly httpPort: number;
  /** The address of the plain HTTP side: the loopback one, unless a proxy elsewhere must reach it. */
  readonly httpListenAddress: string;
  /** Addresses or networks of proxies that are believed when they say who the client is and whether it came by TLS. */
  readonly trustedProxies: readonly string[];
  /** What this process does: answer requests, do the server's tasks, or both. */
  readonly role: "all" | "api" | "worker";
  /** The address at which agents and people reach the server, if it isn't its own, such as a proxy's. Without a slash at its end. */
  readonly publicUrl: string | undefined;
  /** PEM file of the authority that agents are to trust, if it isn't the server's own: of who signed the proxy's certificate. */
  readonly publicCaFile: string | undefined;
  /** The name by which agents reach the server, if it was set. */
  readonly publicName: string | undefined;
  /** All names beside those of the loopback that the server's certificate is for. */
  readonly names: readonly string[];
  /** A PostgreSQL elsewhere; without it the embedded one runs. */
  readonly databaseUrl: string | undefined;
  readonly objects: ObjectStorageConfig;
  /** Where the built agent lies that machines download. */
  readonly agentFolder: string;
  /** Whether requests are counted and answered with 429 beyond a limit. A proxy that does that itself, or hides who asks, makes it useless. */
  readonly limitsRequests: boolean;
  /** The most that a worker of this server reads in a second to verify what is stored; 0 switches verification off. */
  readonly verifyMaxBytesPerSecond: number;
  readonly logLevel: (typeof logLevels)[number];
}

/** Where `npm run build` puts it. */
const builtAgent = join(import.meta.dirname, "../../agent/dist");

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/** An empty setting is one that isn't set: compose files and unit files pass them on so. */
const emptyIsUnset = (value: unknown) => (value === "" ? undefined : value);

const text = z.preprocess(emptyIsUnset, z.string().optional());
const port = (byDefault: number) =>
  z.preprocess(emptyIsUnset, z.coerce.number("must be a port number").int().min(0).max(65_535).default(byDefault));
const yesOrNo = (byDefault: "true" | "false") =>
  z.preprocess(emptyIsUnset, z.enum(["true", "false"]).default(byDefault));

const hostOrAddress = /^[A-Za-z0-9_.:-]+$/;

const environment = z.object({
  SAVEOS_DATA_DIR: z.preprocess(emptyIsUnset, z.string().default("./data")),
  // A central backup server is there for other machines, and nothing but its state is told to anyone without a credential.
  SAVEOS_LISTEN: z.preprocess(emptyIsUnset, z.union([z.ipv4(), z.ipv6()], "must be an IP address").default("0.0.0.0")),
  SAVEOS_HTTPS_PORT: port(8000),
  SAVEOS_HTTP_PORT: port(3000),
  SAVEOS_HTTP_LISTEN: z.preprocess(
    emptyIsUnset,
    z.union([z.ipv4(), z.ipv6()], "must be an IP address").default("127.0.0.1"),
  ),
  SAVEOS_TRUST_PROXY: z.preprocess(
    emptyIsUnset,
    z
      .string()
      .transform((list) => list.split(",").map((each) => each.trim()))
      .pipe(
        z.array(
          z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "must be addresses or networks, separated by commas"),
        ),
      )
      .default([]),
  ),
  SAVEOS_ROLE: z.preprocess(emptyIsUnset, z.enum(["all", "api", "worker"]).default("all")),
  SAVEOS_PUBLIC_URL: z.preprocess(
    emptyIsUnset,
    z.url({ protocol: /^https$/, error: "must be an https:// address" }).optional(),
  ),
  SAVEOS_PUBLIC_CA_FILE: text,
  SAVEOS_HOSTNAME: z.preprocess(
    emptyIsUnset,
    z
      .string()
      .transform((list) => list.split(",").map((name) => name.trim()))
      .pipe(z.array(z.string().regex(hostOrAddress, "must be host names or addresses, separated by commas")))
      .default([]),
  ),
  DATABASE_URL: z.preprocess(
    emptyIsUnset,
    z
      .url({ protocol: /^postgres(ql)?$/, error: "must be a URL such as postgres://user:password@host:5432/saveos" })
      .optional(),
  ),
  SAVEOS_S3_BUCKET: text,
  SAVEOS_S3_ENDPOINT: z.preprocess(
    emptyIsUnset,
    z.url({ protocol: /^https?$/, error: "must be an http(s) URL" }).optional(),
  ),
  SAVEOS_S3_PREFIX: text,
  SAVEOS_S3_REGION: z.preprocess(emptyIsUnset, z.string().default("us-east-1")),
  SAVEOS_S3_ACCESS_KEY_ID: text,
  SAVEOS_S3_SECRET_ACCESS_KEY: text,
  SAVEOS_S3_PATH_STYLE: yesOrNo("false"),
  SAVEOS_AGENT_DIR: text,
  SAVEOS_RATE_LIMITS: yesOrNo("true"),
  // No budget of a few bytes: an object would take longer than a worker may have it in hand.
  SAVEOS_VERIFY_MAX_BYTES_PER_SECOND: z.preprocess(
    emptyIsUnset,
    z.coerce
      .number("must be a number of bytes")
      .int()
      .refine((bytes) => bytes === 0 || bytes >= 1_000_000, "must be at least 1000000, or 0 to switch verification off")
      .default(500_000_000),
  ),
  SAVEOS_LOG_LEVEL: z.preprocess(emptyIsUnset, z.enum(logLevels).default("warn")),
});

type Environment = z.output<typeof environment>;

/** Reads the settings. Throws `bad-setting`, which names every wrong one and never repeats its value: it may be a secret. */
export function readConfig(from: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(from);
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${String(issue.path[0])} ${issue.message}`);
    throw new ServerError("bad-setting", `Wrong settings: ${wrong.join("; ")}.`);
  }
  const settings = parsed.data;
  const dataFolder = resolve(settings.SAVEOS_DATA_DIR);
  return {
    dataFolder,
    listenAddress: settings.SAVEOS_LISTEN,
    httpsPort: settings.SAVEOS_HTTPS_PORT,
    httpPort: settings.SAVEOS_HTTP_PORT,
    httpListenAddress: settings.SAVEOS_HTTP_LISTEN,
    trustedProxies: settings.SAVEOS_TRUST_PROXY,
    role: settings.SAVEOS_ROLE,
    publicUrl: settings.SAVEOS_PUBLIC_URL?.replace(/\/+$/, ""),
    publicCaFile: settings.SAVEOS_PUBLIC_CA_FILE,
    publicName: settings.SAVEOS_HOSTNAME[0],
    names: [...new Set([...settings.SAVEOS_HOSTNAME, hostname()])],
    databaseUrl: settings.DATABASE_URL,
    objects: objectStorageConfig(settings, dataFolder),
    agentFolder: settings.SAVEOS_AGENT_DIR === undefined ? builtAgent : resolve(settings.SAVEOS_AGENT_DIR),
    limitsRequests: settings.SAVEOS_RATE_LIMITS === "true",
    verifyMaxBytesPerSecond: settings.SAVEOS_VERIFY_MAX_BYTES_PER_SECOND,
    logLevel: settings.SAVEOS_LOG_LEVEL,
  };
}

function objectStorageConfig(settings: Environment, dataFolder: string): ObjectStorageConfig {
  if (settings.SAVEOS_S3_BUCKET === undefined) {
    const lonely = Object.entries(settings).find(
      ([name, value]) => (name === "SAVEOS_S3_ENDPOINT" || name === "SAVEOS_S3_PREFIX") && value !== undefined,
    );
    // Taking the folder instead would quietly fill this machine's disk.
    if (lonely !== undefined) throw new ServerError("bad-setting", `${lonely[0]} is set, but SAVEOS_S3_BUCKET is not.`);
    return { kind: "folder", path: join(dataFolder, "objects") };
  }
  if ((settings.SAVEOS_S3_ACCESS_KEY_ID === undefined) !== (settings.SAVEOS_S3_SECRET_ACCESS_KEY === undefined)) {
    throw new ServerError(
      "bad-setting",
      "SAVEOS_S3_ACCESS_KEY_ID and SAVEOS_S3_SECRET_ACCESS_KEY belong together: only one is set.",
    );
  }
  return {
    kind: "s3",
    endpoint: settings.SAVEOS_S3_ENDPOINT,
    bucket: settings.SAVEOS_S3_BUCKET,
    prefix: settings.SAVEOS_S3_PREFIX,
    region: settings.SAVEOS_S3_REGION,
    accessKeyId: settings.SAVEOS_S3_ACCESS_KEY_ID,
    secretAccessKey: settings.SAVEOS_S3_SECRET_ACCESS_KEY,
    pathStyle: settings.SAVEOS_S3_PATH_STYLE === "true",
  };
}
