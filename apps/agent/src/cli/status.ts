import { snapshotList } from "@saveos/contract";
import { recipientOf } from "@saveos/vault";
import { exchangeJson, parseAnswer } from "../daemon/http-exchange.ts";
import { readLinkState } from "../daemon/link-state.ts";
import { trustedFetch } from "../daemon/trusted-fetch.ts";
import { type EnrolledMachine, findEnrolment, homeOf, notEnrolled } from "../enrolment/enrolled-machine.ts";
import { isAgentError } from "../errors/agent-error.ts";
import { exitCode, type ExitCode } from "../errors/exit-code.ts";
import { repositoryUrl } from "../host/config-file.ts";
import { nowMs } from "../host/clock.ts";
import { readRememberedSnapshots } from "../jobs/last-snapshot.ts";
import { plural } from "../terminal/quantities.ts";
import { padEnd } from "../terminal/text-width.ts";
import { type PinnedVault, readPinFile } from "../vault/pin-file.ts";
import { readSealNotes, type SealNotes } from "../vault/seal-notes.ts";
import type { World } from "../world.ts";
import type { Invocation } from "./command-line.ts";

/** A person waits for this. */
const answerTimeoutMs = 10_000;

/** What the server says of this machine's repository; or why it can't be asked. */
type ServerState =
  | { readonly isReachable: true; readonly snapshots: number; readonly lastSnapshotAt: string | undefined }
  | { readonly isReachable: false; readonly failure: string; readonly hint: string | undefined };

/** Says how things are. Exit code 0 only if they are well: enrolled, repository there, server reachable, the vault one that is trusted. */
export async function tellStatus({ world, global, print }: Invocation): Promise<ExitCode> {
  const home = homeOf(world, global);
  const machine = await findEnrolment(home);
  if (machine === undefined) {
    const { message, hint } = await notEnrolled(world, global);
    await print.result(message, ...(hint === undefined ? [] : [hint]));
    await print.record({ message_type: "status", enrolled: false });
    return exitCode.failed;
  }
  const link = await readLinkState(home.stateFolder);
  const { gone } = await readRememberedSnapshots(home.stateFolder);
  const server = await askServer(world, machine);
  const { style } = print;
  const { config } = machine;
  const recipient = await recipientOf(machine.secrets.identity);
  const vault = { pin: await readPinFile(home.vaultFile), notes: await readSealNotes(home.stateFolder) };
  const rows: [string, string][] = [
    [
      "Server",
      server.isReachable
        ? `${config.serverUrl}  ${style.good("reachable")}`
        : `${config.serverUrl}  ${style.bad("not reachable")}`,
    ],
    ...(server.isReachable ? [] : [["", server.failure] as [string, string], ...hintRow(server.hint)]),
    ["Agent", config.agentId],
    [
      "Repository",
      config.repositoryReady
        ? repositoryUrl(config)
        : style.warning("not made yet: run `saveos-agent register --resume`"),
    ],
    ["Last snapshot", lastSnapshotText(world, server)],
    ...(gone === undefined
      ? []
      : [
          ["", style.bad(`Gone: the one that this machine made ${agoText(world, gone.madeAt)}`)] as [string, string],
          ...hintRow("Unless somebody removed it on purpose, the server lost it or shows an older state."),
        ]),
    [
      "Last heartbeat",
      link.heartbeatAt === undefined ? "none: the daemon has not run yet" : agoText(world, link.heartbeatAt),
    ],
    ...(link.failure === undefined ? [] : [["", style.warning(link.failure)] as [string, string]]),
    ["Password file", home.secretsFile],
    ["Vault", vaultText(world, vault)],
    ...(vault.notes.trouble === undefined ? [] : [["", style.bad(vault.notes.trouble)] as [string, string]]),
    ["Recipient", recipient],
  ];
  const width = Math.max(...rows.map(([title]) => title.length));
  await print.result(...rows.map(([title, value]) => `${padEnd(title, width)}  ${value}`));
  await print.record({
    message_type: "status",
    enrolled: true,
    server_url: config.serverUrl,
    agent_id: config.agentId,
    repository_id: config.repositoryId,
    repository_ready: config.repositoryReady,
    server_reachable: server.isReachable,
    ...(server.isReachable
      ? { snapshots: server.snapshots, last_snapshot_at: server.lastSnapshotAt ?? null }
      : { failure: server.failure }),
    ...(gone === undefined ? {} : { gone_snapshot: { id: gone.id, made_at: gone.madeAt, noticed_at: gone.noticedAt } }),
    last_heartbeat_at: link.heartbeatAt ?? null,
    recipient,
    vault: {
      recipient: vault.pin?.recipient ?? null,
      generation: vault.pin?.generation ?? null,
      sealed_at: isSealed(vault) ? (vault.notes.sealedAt ?? null) : null,
      names_visible: vault.pin?.names.visible ?? false,
      trouble: vault.notes.trouble ?? null,
    },
  });
  return server.isReachable && config.repositoryReady && vault.notes.trouble === undefined
    ? exitCode.done
    : exitCode.failed;
}

interface VaultState {
  readonly pin: PinnedVault | undefined;
  readonly notes: SealNotes;
}

/** Whether the server has this machine's password for the vault that is pinned now. */
function isSealed({ pin, notes }: VaultState): boolean {
  return pin !== undefined && notes.sealedTo === pin.recipient;
}

function vaultText(world: World, vault: VaultState): string {
  const { pin, notes } = vault;
  if (pin === undefined) return "none pinned: keep a copy of the password file";
  const names = pin.names.visible ? ", which lets the server see names in reports" : "";
  const sealed =
    isSealed(vault) && notes.sealedAt !== undefined
      ? `password sealed ${agoText(world, notes.sealedAt)}`
      : "password not sealed yet";
  return `${pin.recipient} (${pin.generation})${names}, ${sealed}`;
}

/** Asks for the list of snapshots, which proves all at once: that the server is there, is the right one, and knows this machine. */
async function askServer({ signal }: World, { config, secrets }: EnrolledMachine): Promise<ServerState> {
  await using trusted = trustedFetch(config.certificateAuthority);
  const { serverUrl } = config;
  try {
    const answer = await exchangeJson(
      { fetch: trusted.fetch, serverUrl, credential: () => secrets.credential },
      { method: "GET", path: `/api/v1/backup/${config.agentId}/snapshots`, signal, timeoutMs: answerTimeoutMs },
    );
    const { snapshots } = parseAnswer(snapshotList, answer, serverUrl);
    const times = snapshots.map(({ received_at }) => received_at).toSorted((a, b) => Date.parse(a) - Date.parse(b));
    return { isReachable: true, snapshots: snapshots.length, lastSnapshotAt: times.at(-1) };
  } catch (error) {
    if (!isAgentError(error)) throw error;
    return { isReachable: false, failure: error.message, hint: error.hint };
  }
}

function hintRow(hint: string | undefined): [string, string][] {
  return hint === undefined ? [] : [["", hint]];
}

function lastSnapshotText(world: World, server: ServerState): string {
  if (!server.isReachable) return "unknown";
  if (server.lastSnapshotAt === undefined) return "none yet";
  return `${agoText(world, server.lastSnapshotAt)}, ${plural(server.snapshots, "snapshot")} in all`;
}

/** `2026-01-31 08:30 (3 hours ago)`, in local time. */
function agoText(world: World, time: string): string {
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())} (${ago((nowMs(world.clock) - at.getTime()) / 1000)})`;
}

function ago(seconds: number): string {
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${plural(Math.floor(seconds / 60), "minute")} ago`;
  if (seconds < 86_400) return `${plural(Math.floor(seconds / 3600), "hour")} ago`;
  return `${plural(Math.floor(seconds / 86_400), "day")} ago`;
}
