import { type RestoreOrder, type RestoreSecrets, restoreSecrets } from "@saveos/contract";
import { AgentError } from "../errors/agent-error.ts";
import type { OpenForOrder, OrderDeps } from "./order-deps.ts";

/** What an order about a repository, this machine's or another one's, has in common with the others. */
type AboutRepository = Pick<RestoreOrder, "repository_id" | "repository_path" | "sealed">;

/** Which repository an order is about, and what it holds that the server carried and could not read. */
export async function openOrder(
  deps: Pick<OrderDeps, "identity" | "ownRepositoryId">,
  order: AboutRepository,
): Promise<{ readonly secrets: RestoreSecrets; readonly repository: OpenForOrder["repository"] }> {
  const secrets = await openSealed(deps, order);
  return { secrets, repository: repositoryOf(deps, order, secrets) };
}

async function openSealed(
  { identity }: Pick<OrderDeps, "identity">,
  { sealed }: AboutRepository,
): Promise<RestoreSecrets> {
  if (sealed === null) return {};
  const { open } = await import("@saveos/vault");
  const text = new TextDecoder().decode(await open(identity, sealed));
  const parsed = restoreSecrets.safeParse(jsonOrUndefined(text));
  if (parsed.success) return parsed.data;
  // Not as the cause: zod's messages may repeat what was sealed.
  throw new AgentError("invalid-order", "What is sealed in the order is not what it needs");
}

function repositoryOf(
  { ownRepositoryId }: Pick<OrderDeps, "ownRepositoryId">,
  { repository_id: id, repository_path: repositoryPath }: AboutRepository,
  { repository_password: password }: RestoreSecrets,
): OpenForOrder["repository"] {
  if (id === ownRepositoryId) return "own";
  if (password !== undefined) return { path: repositoryPath, password };
  throw new AgentError(
    "no-repository-password",
    `The repository ${id} is another machine's, and no password came for it.`,
  );
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
