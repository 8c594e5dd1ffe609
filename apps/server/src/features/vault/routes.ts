import {
  addPassphraseRequest,
  changeNamesRequest,
  createVaultRequest,
  lockedIdentityResponse,
  pageQuery,
  passphrase,
  passphraseList,
  resealPasswordRequest,
  rotateVaultRequest,
  rotationProgress,
  sealedPasswordList,
  sealPasswordRequest,
  uuid,
  vault,
} from "@saveos/contract";
import type { FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import { type Access, agentOf, databaseFor, operatorOf } from "../../access/access.ts";
import { callerId } from "../../access/caller.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { describe } from "../../http/describe.ts";
import { createOnce } from "../../http/idempotency.ts";
import { actorOf } from "../audit/index.ts";
import { addPassphrase } from "./add-passphrase.ts";
import { changeNames } from "./change-names.ts";
import { createVault } from "./create-vault.ts";
import { FetchLimit } from "./fetch-limit.ts";
import { fetchLockedIdentity } from "./fetch-locked-identity.ts";
import { fetchSealedPasswords } from "./fetch-sealed-passwords.ts";
import { listPassphrases, showRotation, showVault } from "./queries.ts";
import { removePassphrase } from "./remove-passphrase.ts";
import { reportWrongPassphrase } from "./report-wrong-passphrase.ts";
import { resealPassword } from "./reseal-password.ts";
import { rotateVault } from "./rotate-vault.ts";
import { sealPassword } from "./seal-password.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
}

/** Some 600 KB. */
const sealedPasswordsMax = 500;

const passphraseParams = z.object({ passphrase_id: uuid });

export function vaultRoutes({ databases, clock, access }: Deps): FastifyPluginAsyncZod {
  const limit = new FetchLimit(clock);
  const depsFor = (request: FastifyRequest) => ({ database: databaseFor(request, databases), clock });
  /** Who asks, for the audit and for what they add. */
  const asking = (request: FastifyRequest) => {
    const caller = operatorOf(request);
    return { by: actorOf(caller, request), callerId: callerId(caller) };
  };

  return async (app) => {
    app.get("/api/v1/vault", {
      onRequest: access.allow("vault:read"),
      schema: {
        ...describe(
          "vault",
          "vault:read",
          "The vault",
          "What everybody may know of it. 404 until an owner has made one.",
        ),
        response: { 200: vault },
      },
      handler: async (request) => await showVault(databaseFor(request, databases)),
    });

    app.post("/api/v1/vault", {
      onRequest: access.allow("vault:change"),
      schema: {
        ...describe(
          "vault",
          "vault:change",
          "Keep a new vault",
          "`saveos-agent vault init` makes one where the server can't see. Once: 409 if there is one.",
        ),
        body: createVaultRequest,
        response: { 201: vault },
      },
      handler: async (request, reply) => {
        const { by, callerId: createdBy } = asking(request);
        return await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          await createVault(deps, by, createdBy, request.body);
          return { body: await showVault(deps.database), location: "/api/v1/vault" };
        });
      },
    });

    app.get("/api/v1/vault/passphrases", {
      onRequest: access.allow("vault:read"),
      schema: {
        ...describe(
          "vault",
          "vault:read",
          "Passphrases of the vault",
          "Their names, and how they were used. The server knows none.",
        ),
        response: { 200: passphraseList },
      },
      handler: async (request) => ({ passphrases: await listPassphrases(databaseFor(request, databases)) }),
    });

    app.post("/api/v1/vault/passphrases", {
      onRequest: access.allow("vault:open"),
      schema: {
        ...describe(
          "vault",
          "vault:open",
          "Add a passphrase",
          "The vault's identity, locked with one more passphrase by somebody who has opened it. 409 if the vault was rotated meanwhile.",
        ),
        body: addPassphraseRequest,
        response: { 201: passphrase },
      },
      handler: async (request, reply) => {
        const { by, callerId: createdBy } = asking(request);
        return await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          const added = await addPassphrase(deps, by, createdBy, request.body);
          return { body: added, location: `/api/v1/vault/passphrases/${added.id}` };
        });
      },
    });

    app.get("/api/v1/vault/passphrases/:passphrase_id", {
      onRequest: access.allow("vault:open"),
      schema: {
        ...describe(
          "vault",
          "vault:open",
          "Fetch the locked identity",
          "Only the passphrase opens it. Every fetch is in the audit, and there may be so many in a quarter of an hour.",
        ),
        params: passphraseParams,
        response: { 200: lockedIdentityResponse },
      },
      handler: async (request) => {
        const { by, callerId: caller } = asking(request);
        limit.count(caller);
        return await fetchLockedIdentity(depsFor(request), by, request.params.passphrase_id);
      },
    });

    app.delete("/api/v1/vault/passphrases/:passphrase_id", {
      onRequest: access.allow("vault:change"),
      schema: {
        ...describe(
          "vault",
          "vault:change",
          "Remove a passphrase",
          "All but the last. Who has copied what it locks can still open that until the vault is rotated.",
        ),
        params: passphraseParams,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await removePassphrase(depsFor(request), asking(request).by, request.params.passphrase_id);
        return await reply.status(204).send(null);
      },
    });

    app.post("/api/v1/vault/passphrases/:passphrase_id/wrong", {
      onRequest: access.allow("vault:open"),
      schema: {
        ...describe(
          "vault",
          "vault:open",
          "Say that a passphrase was wrong",
          "It is counted and written down, for the others to see.",
        ),
        params: passphraseParams,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await reportWrongPassphrase(depsFor(request), asking(request).by, request.params.passphrase_id);
        return await reply.status(204).send(null);
      },
    });

    app.post("/api/v1/vault/rotation", {
      onRequest: access.allow("vault:change"),
      schema: {
        ...describe(
          "vault",
          "vault:change",
          "Move the vault to a new identity",
          "Signed by the present one. Agents then seal their passwords again; older passphrases go when all have.",
        ),
        body: rotateVaultRequest,
        response: { 201: vault },
      },
      handler: async (request, reply) => {
        const { by, callerId: createdBy } = asking(request);
        return await createOnce({ ...depsFor(request), request, reply }, async (deps) => {
          await rotateVault(deps, by, createdBy, request.body);
          return { body: await showVault(deps.database) };
        });
      },
    });

    app.get("/api/v1/vault/rotation", {
      onRequest: access.allow("vault:read"),
      schema: {
        ...describe("vault", "vault:read", "How far the rotation is", "Which machines and repositories wait."),
        response: { 200: rotationProgress },
      },
      handler: async (request) => await showRotation(databaseFor(request, databases)),
    });

    app.put("/api/v1/vault/names", {
      onRequest: access.allow("vault:change"),
      schema: {
        ...describe(
          "vault",
          "vault:change",
          "Choose whether the server may see names",
          "Signed by the vault: agents believe nobody else. Only for who owns the server.",
        ),
        body: changeNamesRequest,
        response: { 200: vault },
      },
      handler: async (request) => {
        await changeNames(depsFor(request), asking(request).by, request.body.names);
        return await showVault(databaseFor(request, databases));
      },
    });

    app.get("/api/v1/vault/sealed-passwords", {
      onRequest: access.allow("vault:open"),
      schema: {
        ...describe(
          "vault",
          "vault:open",
          "Sealed passwords of repositories",
          "Only the vault's identity opens them. Every fetch is in the audit.",
        ),
        querystring: z.strictObject({ repository_id: uuid.optional(), ...pageQuery(sealedPasswordsMax) }),
        response: { 200: sealedPasswordList },
      },
      handler: async (request) => await fetchSealedPasswords(depsFor(request), asking(request).by, request.query),
    });

    app.post("/api/v1/vault/sealed-passwords", {
      onRequest: access.allow("vault:change"),
      schema: {
        ...describe(
          "vault",
          "vault:change",
          "Keep a password that was sealed again",
          "For the vault's present identity, by somebody who has an older one. Nothing is replaced.",
        ),
        body: resealPasswordRequest,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        await resealPassword(depsFor(request), asking(request).by, request.body);
        return await reply.status(204).send(null);
      },
    });

    app.put("/api/v1/agents/sealed-password", {
      onRequest: access.allowAgent,
      schema: {
        ...describe(
          "agent link",
          "agent",
          "Seal the repository's password",
          "Of the agent's own repository, to the vault that it has pinned. 409 for another generation than the vault's.",
        ),
        body: sealPasswordRequest,
        response: { 204: z.null() },
      },
      handler: async (request, reply) => {
        const caller = agentOf(request);
        await sealPassword(depsFor(request), caller, actorOf(caller, request), request.body);
        return await reply.status(204).send(null);
      },
    });
  };
}
