import { randomBytes } from "node:crypto";
import { type Enrolment, type RegisterRequest, registerResponse } from "@saveos/contract";
import { makeIdentity, recipientOf } from "@saveos/vault";
import { exchangeJson, parseAnswer } from "../daemon/http-exchange.ts";
import { trustedFetch } from "../daemon/trusted-fetch.ts";
import { AgentError } from "../errors/agent-error.ts";
import { type AgentConfig, readConfig, writeConfig } from "../host/config-file.ts";
import { contractPlatform, machineFacts } from "../host/facts.ts";
import type { Home } from "../host/home.ts";
import { machineId } from "../host/machine-id.ts";
import { readSecrets, writeSecrets } from "../host/secrets-file.ts";
import { machineTimeZone } from "../host/time-zone.ts";
import { noNames, writePinFile } from "../vault/pin-file.ts";
import { nothingSealed, writeSealNotes } from "../vault/seal-notes.ts";
import type { World } from "../world.ts";

/** As strong as the repository's own keys: 256 bits. */
const passwordBytes = 32;
const registerTimeoutMs = 60_000;

export interface EnrolRequest {
  readonly enrolment: Enrolment;
  /** Of a repository that this machine takes over; a new one is made if left out. */
  readonly repositoryPassword: string | undefined;
  readonly agentVersion: string;
}

/**
 * Makes this machine known to the server and keeps what it answers. The repository itself is not touched yet: `prepareRepository` does that,
 * and may be tried again, while the token is spent now.
 *
 * Every step leaves what the next needs on disk before it, so a stop anywhere loses nothing: first the password and the identity, then the
 * vault's pin and the credential, then the configuration, which says that the machine is enrolled.
 */
export async function enrol(world: World, home: Home, request: EnrolRequest): Promise<AgentConfig> {
  const present = await readConfig(home.configFile);
  if (present !== undefined)
    throw new AgentError(
      "already-enrolled",
      `This machine is enrolled with ${present.serverUrl} as agent ${present.agentId}.`,
      {
        hint: `To enrol it anew, move ${home.configFile} and ${home.secretsFile} away, and keep them: the repository's password is in there.`,
      },
    );
  const earlier = await readSecrets(home.secretsFile);
  const secrets = {
    repositoryPassword:
      request.repositoryPassword ?? earlier.repositoryPassword ?? randomBytes(passwordBytes).toString("base64url"),
    identity: earlier.identity ?? (await makeIdentity()),
  };
  // Before the token is spent: a disk that can't be written is found out in time.
  await writeSecrets(home.secretsFile, { ...secrets, credential: undefined });

  const { enrolment } = request;
  // Of an earlier enrolment: this agent has sealed nothing yet.
  await writeSealNotes(home.stateFolder, nothingSealed);
  if (enrolment.vault !== undefined) {
    const { recipient, verify_key: verifyKey, generation } = enrolment.vault;
    await writePinFile(home.vaultFile, { recipient, verifyKey, generation, names: noNames });
  }
  const answer = await register(world, home, request, await recipientOf(secrets.identity));
  await writeSecrets(home.secretsFile, { ...secrets, credential: answer.credential });
  const config: AgentConfig = {
    serverUrl: enrolment.server_url,
    certificateAuthority: enrolment.certificate_authority,
    agentId: answer.agent_id,
    repositoryId: answer.repository_id,
    repositoryPath: answer.repository_path.startsWith("/") ? answer.repository_path : `/${answer.repository_path}`,
    repositoryReady: false,
  };
  await writeConfig(home.configFile, config);
  return config;
}

async function register(world: World, home: Home, { enrolment, agentVersion }: EnrolRequest, recipient: string) {
  const platform = contractPlatform(world.platform);
  if (platform === undefined) throw new AgentError("usage", `SaveOS does not know the platform ${world.platform}.`);
  const body: RegisterRequest = {
    token: enrolment.token,
    hostname: machineFacts().hostname,
    platform,
    agent_version: agentVersion,
    machine_id: await machineId(world.platform, home.stateFolder),
    time_zone: await machineTimeZone(world),
    recipient,
  };
  await using trusted = trustedFetch(enrolment.certificate_authority);
  const exchange = { fetch: trusted.fetch, serverUrl: enrolment.server_url, credential: undefined };
  const answer = await exchangeJson(exchange, {
    method: "POST",
    path: "/api/v1/agents/register",
    body,
    signal: world.signal,
    timeoutMs: registerTimeoutMs,
  });
  return parseAnswer(registerResponse, answer, enrolment.server_url);
}
