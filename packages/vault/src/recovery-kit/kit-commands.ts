import { armor } from "age-encryption";
import type { KitRepository, KitStorage, RecoveryKit } from "./recovery-kit.ts";

/** What a person types, on Linux or macOS with stock age and restic, to get at one thing. */
export interface KitCommands {
  /** Where the storage needs it: credentials that only its owner has. */
  readonly prepare: string | undefined;
  /** For each passphrase: writes the locked identity into a file and opens it. */
  readonly identities: readonly { readonly label: string; readonly command: string }[];
  readonly repositories: readonly KitRepositoryCommands[];
}

export interface KitRepositoryCommands {
  readonly repository: KitRepository;
  /** For restic: where it is, while the storage is reachable from where the person is. */
  readonly location: string;
  /** Undefined while its password is not in the vault. */
  readonly openPassword: string | undefined;
  readonly listSnapshots: string | undefined;
  readonly restore: string | undefined;
}

export function commandsOf(kit: RecoveryKit): KitCommands {
  const names = fileNames(kit.repositories);
  return {
    prepare: prepareFor(kit.storage),
    identities: kit.lockedIdentities.map(({ label, locked }) => ({
      label,
      command: `${writeFile("identity.age", locked)}\nage --decrypt --output identity.txt identity.age`,
    })),
    repositories: kit.repositories.map((repository, at) => commandsFor(kit.storage, repository, names[at] ?? "")),
  };
}

function commandsFor(storage: KitStorage, repository: KitRepository, name: string): KitRepositoryCommands {
  const location = locationOf(storage, repository);
  const { sealedPassword } = repository;
  if (sealedPassword === undefined)
    return { repository, location, openPassword: undefined, listSnapshots: undefined, restore: undefined };
  const restic = `restic --repo ${quoted(location)} --password-file ${name}.password`;
  return {
    repository,
    location,
    openPassword:
      `${writeFile(`${name}.age`, armor.encode(Uint8Array.fromBase64(sealedPassword)))}\n` +
      `age --decrypt --identity identity.txt ${name}.age | head -n 1 > ${name}.password`,
    listSnapshots: `${restic} snapshots`,
    restore: `${restic} restore latest --target restored-${name}`,
  };
}

/** As stock restic names it. */
export function locationOf(storage: KitStorage, { id }: Pick<KitRepository, "id">): string {
  if (storage.kind === "folder") return `${storage.path}/${id}`;
  const { endpoint = `https://s3.${storage.region}.amazonaws.com`, bucket, prefix } = storage;
  return `s3:${[endpoint.replace(/\/+$/, ""), bucket, ...(prefix === undefined ? [] : [prefix]), id].join("/")}`;
}

function prepareFor(storage: KitStorage): string | undefined {
  if (storage.kind === "folder") return undefined;
  return [
    "export AWS_ACCESS_KEY_ID='…'",
    "export AWS_SECRET_ACCESS_KEY='…'",
    `export AWS_DEFAULT_REGION=${quoted(storage.region)}`,
  ].join("\n");
}

/** A here-document: its last line is nowhere in an age file. */
function writeFile(name: string, content: string): string {
  return `cat > ${name} <<'END'\n${content.trim()}\nEND`;
}

/** File names without a character that a shell or file system could misread, each of another repository. */
function fileNames(repositories: readonly KitRepository[]): string[] {
  return repositories.map(({ host, id }) => {
    const name = host
      .normalize("NFD")
      .replaceAll(/\p{Mn}/gu, "")
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, "-")
      .replaceAll(/^-|-$/g, "");
    return [...(name === "" ? [] : [name]), id.slice(0, 8)].join("-");
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
