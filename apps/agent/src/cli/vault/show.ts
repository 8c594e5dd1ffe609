import { rotationProgress, type Vault } from "@saveos/contract";
import { formatPin } from "@saveos/vault";
import { parseAnswer } from "../../daemon/http-exchange.ts";
import { plural } from "../../terminal/quantities.ts";
import { type Column, tableLines } from "../../terminal/table.ts";
import { padEnd } from "../../terminal/text-width.ts";
import type { Invocation } from "../command-line.ts";
import { type OpenOptions, openVault } from "./open-vault.ts";
import { VaultServer } from "./vault-server.ts";

export interface ShowOptions extends OpenOptions {
  readonly pin?: true;
}

/** Says how the vault is, by the server's word; with --pin its pin for certain, which takes the passphrase. */
export async function showVault(invocation: Invocation<ShowOptions>): Promise<void> {
  const { options, print } = invocation;
  await using server = await VaultServer.find(invocation);
  if (options.pin === true) {
    const { pin } = await openVault(invocation, server);
    await print.result(formatPin(pin));
    await print.record({ message_type: "vault_pin", pin: formatPin(pin) });
    return;
  }
  const shown = await server.vault();
  const passphrases = await server.passphrases();
  const rotation = parseAnswer(
    rotationProgress,
    await server.ask({ method: "GET", path: "/api/v1/vault/rotation" }),
    server.url,
  );
  const waiting = [
    ...rotation.agents.map(({ hostname }) => hostname),
    ...rotation.repositories.map((id) => `repository ${id}, which has no machine (saveos-agent vault rotate --resume)`),
  ];
  const rows: [string, string][] = [
    ["Recipient", shown.recipient],
    ["Generation", String(shown.generation)],
    ["Sealed passwords", plural(shown.sealed_repositories, "repository", "repositories")],
    ["Names in reports", namesText(shown)],
    ...(waiting.length === 0 ? [] : [["Waiting for", waiting.join("\n")] as [string, string]]),
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  const lines = rows.flatMap(([title, value]) =>
    value.split("\n").map((line, i) => `${padEnd(i === 0 ? title : "", width)}  ${line}`),
  );
  const columns: Column<(typeof passphrases)[number]>[] = [
    {
      title: "Passphrase",
      cell: ({ label, generation }) => [generation < shown.generation ? `${label} (before the rotation)` : label],
    },
    { title: "Since", cell: ({ created_at }) => [created_at.slice(0, 10)] },
    { title: "Last used", cell: ({ last_fetched_at: at }) => [at?.slice(0, 10) ?? "never"] },
    { title: "Wrong tries", cell: ({ wrong_tries: tries }) => [String(tries)] },
  ];
  await print.result(...lines, "", ...tableLines(columns, passphrases));
  await print.record({ message_type: "vault", ...shown, passphrases, waiting_for: rotation });
}

function namesText({ names_visible: isVisible }: Vault): string {
  return isVisible ? "the server may see them" : "the server sees none";
}
