import { platform, problemType } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { z } from "zod";
import type { Access, Guard } from "../../access/access.ts";
import type { Clock } from "../../clock.ts";
import type { Databases } from "../../database/databases.ts";
import { credentialOf } from "../../http/credentials-of-request.ts";
import { describe } from "../../http/describe.ts";
import { etagOf, isUnchanged } from "../../http/etags.ts";
import { ProblemError } from "../../http/problem.ts";
import { version } from "../../version.ts";
import { enrolmentTokenState } from "../enrolment/index.ts";
import { AgentArchives } from "./agent-archives.ts";

interface Deps {
  readonly databases: Databases;
  readonly clock: Clock;
  readonly access: Access;
  /** Where `npm run build` puts the agent. */
  readonly agentFolder: string;
}

/** What machines get from the server to become agents. */
export function downloadRoutes(deps: Deps): FastifyPluginAsyncZod {
  const { access, agentFolder } = deps;
  const archives = new AgentArchives(agentFolder);
  const allowOthers = access.allowOrAgent("agents:provision");

  /** A machine that is about to enrol has nothing but its token. It isn't spent by this: what it downloads is there to spend it. */
  const allow: Guard = async (request) => {
    const state = await enrolmentTokenState(deps, credentialOf(request.headers.authorization) ?? "");
    if (state === "none") return await allowOthers(request);
    if (state === "usable") return;
    access.countFailure(request, "an enrolment token that opens nothing");
    throw new ProblemError(401, "This enrolment token is unknown, was used or has expired.", {
      type: problemType.enrolmentRefused,
    });
  };

  return async (app) => {
    app.get("/download/agent/:platform", {
      onRequest: allow,
      schema: {
        ...describe(
          "agents",
          "agents:provision or agent",
          "Get the agent's program",
          "A tar.gz. Beside these, the enrolment token of a machine that has not enrolled yet opens it, as bearer, and isn't spent by it. " +
            "503: the agent was not built on this server.",
        ),
        params: z.object({ platform }),
        response: {
          200: z.instanceof(Buffer).meta({ type: "string", format: "binary", description: "application/gzip" }),
          304: z.null().describe("The one that `If-None-Match` names is still the newest."),
        },
      },
      handler: async (request, reply) => {
        const { bytes, sha256 } = await archives.of(request.params.platform);
        const etag = etagOf(sha256);
        // Whoever has it may keep it, and asks each time whether it is still the newest.
        void reply.headers({ ...etag, "cache-control": "private, no-cache" });
        if (isUnchanged(request, sha256)) return await reply.status(304).send(null);
        const name = `saveos-agent-${version}-${request.params.platform}.tar.gz`;
        return await reply
          .headers({ "content-type": "application/gzip", "content-disposition": `attachment; filename="${name}"` })
          .send(bytes);
      },
    });
  };
}
