import { isRecipient } from "./identity.ts";
import { open, seal } from "./seal.ts";
import { VaultError } from "./vault-error.ts";

/** A repository's password as its agent seals it to the vault, with what goes with it. */
export interface RepositoryPassword {
  readonly password: string;
  /** What is sealed to it, only the agent opens: here it comes from the agent itself, not by the server's word. */
  readonly agentRecipient: string;
  readonly repositoryId: string;
  readonly host: string;
}

/**
 * Seals a repository's password: an age file, in base64, whose first line is the password, so that `age -d … | head -n 1` gives it to stock restic. After it
 * come lines `key: value`. Rejects with `invalid-text` for a password that has line breaks, with `invalid-recipient`.
 */
export async function sealPassword(recipient: string, content: RepositoryPassword): Promise<string> {
  const text = [
    content.password,
    `agent-recipient: ${content.agentRecipient}`,
    `repository: ${content.repositoryId}`,
    `host: ${content.host}`,
    "",
  ].join("\n");
  // What is read is exactly what was meant: nothing in one field can pose as another.
  if (!isSame(parse(text), content))
    throw new VaultError("invalid-text", "The password or what goes with it can't be sealed: it holds a line break");
  return await seal(recipient, new TextEncoder().encode(text));
}

/** What `sealPassword` sealed. Rejects with `not-for-us`, `damaged` or `invalid-identity`. */
export async function openSealedPassword(identity: string, sealed: string): Promise<RepositoryPassword> {
  const content = parse(textOf(await open(identity, sealed)));
  if (content === undefined) throw new VaultError("damaged", "What was sealed is no repository's password");
  return content;
}

/** Undefined unless it is exactly the four lines. */
function parse(text: string): RepositoryPassword | undefined {
  const [password = "", agentLine, repositoryLine, hostLine, end, ...more] = text.split("\n");
  const agentRecipient = valueOf(agentLine, "agent-recipient");
  const repositoryId = valueOf(repositoryLine, "repository");
  const host = valueOf(hostLine, "host");
  if (end !== "" || more.length > 0 || password === "" || /[\r\0]/.test(text)) return undefined;
  if (agentRecipient === undefined || repositoryId === undefined || host === undefined) return undefined;
  return isRecipient(agentRecipient) && isUuid(repositoryId)
    ? { password, agentRecipient, repositoryId, host }
    : undefined;
}

function valueOf(line: string | undefined, key: string): string | undefined {
  return line?.startsWith(`${key}: `) ? line.slice(key.length + 2) : undefined;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
}

function isSame(one: RepositoryPassword | undefined, other: RepositoryPassword): boolean {
  return (
    one?.password === other.password &&
    one.agentRecipient === other.agentRecipient &&
    one.repositoryId === other.repositoryId &&
    one.host === other.host
  );
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new VaultError("damaged", "What was sealed is no repository's password", { cause });
  }
}
