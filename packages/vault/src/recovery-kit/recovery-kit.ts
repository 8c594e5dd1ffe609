import { VaultError } from "../vault-error.ts";

/** All that somebody needs to open a tenant's backups without SaveOS. It holds nothing that opens without the vault's passphrase. */
export interface RecoveryKit {
  readonly tenant: string;
  /** RFC 3339. */
  readonly madeAt: string;
  /** Where the server answered when the kit was made. */
  readonly server: string;
  readonly storage: KitStorage;
  readonly lockedIdentities: readonly KitIdentity[];
  readonly repositories: readonly KitRepository[];
}

/** Where the server keeps the repositories, each in a folder named by its id. */
export type KitStorage =
  | { readonly kind: "folder"; readonly path: string }
  | {
      readonly kind: "s3";
      /** Absent: AWS itself. */
      readonly endpoint?: string | undefined;
      readonly bucket: string;
      readonly prefix?: string | undefined;
      readonly region: string;
    };

/** The vault's identity, as one of its passphrases locks it. */
export interface KitIdentity {
  /** Whose passphrase it is. */
  readonly label: string;
  /** An armored age file. */
  readonly locked: string;
}

export interface KitRepository {
  readonly id: string;
  /** The machine that backs up into it. */
  readonly host: string;
  /** The repository's password as the vault has it, an age file in base64; absent while its machine has not sealed it. */
  readonly sealedPassword?: string | undefined;
}

/** The kit's place in its own page, for `saveos-agent recover`. */
const opening = '<script type="application/json" id="saveos-recovery-kit">';
const closing = "</script>";

/** The kit as a part of its page, for programs. */
export function embedKit(kit: RecoveryKit): string {
  // In a page no text may look like the end of its element.
  return `${opening}${JSON.stringify(kit).replaceAll("<", "\\u003c")}${closing}`;
}

/** Reads the kit out of its page. Rejects with `damaged`. */
export function parseRecoveryKit(page: string): RecoveryKit {
  const start = page.indexOf(opening);
  const end = page.indexOf(closing, start);
  if (start < 0 || end < 0) throw notAKit();
  try {
    return kitIn(JSON.parse(page.slice(start + opening.length, end)));
  } catch (cause) {
    throw notAKit(cause);
  }
}

function kitIn(value: unknown): RecoveryKit {
  const kit = record(value);
  return {
    tenant: text(kit["tenant"]),
    madeAt: text(kit["madeAt"]),
    server: text(kit["server"]),
    storage: storageIn(record(kit["storage"])),
    lockedIdentities: list(kit["lockedIdentities"]).map((identity) => ({
      label: text(identity["label"]),
      locked: text(identity["locked"]),
    })),
    repositories: list(kit["repositories"]).map((repository) => ({
      id: text(repository["id"]),
      host: text(repository["host"]),
      sealedPassword: optionalText(repository["sealedPassword"]),
    })),
  };
}

function storageIn(storage: Record<string, unknown>): KitStorage {
  if (storage["kind"] === "folder") return { kind: "folder", path: text(storage["path"]) };
  if (storage["kind"] !== "s3") throw notAKit();
  return {
    kind: "s3",
    endpoint: optionalText(storage["endpoint"]),
    bucket: text(storage["bucket"]),
    prefix: optionalText(storage["prefix"]),
    region: text(storage["region"]),
  };
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) throw notAKit();
  return value as Record<string, unknown>;
}

function list(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw notAKit();
  return value.map(record);
}

function text(value: unknown): string {
  if (typeof value !== "string") throw notAKit();
  return value;
}

function optionalText(value: unknown): string | undefined {
  return value === undefined ? undefined : text(value);
}

function notAKit(cause?: unknown): VaultError {
  return new VaultError("damaged", "This is no recovery kit, or it is damaged", { cause });
}
