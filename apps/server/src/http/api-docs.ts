import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { version } from "../version.ts";
import { apiParts } from "./describe.ts";

/** The page loads its own files only, and sends requests to this server only. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Describes the routes that `app` gets from now on at `/docs`, from the schemas that check their requests, so the two can't differ. */
export async function documentApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "SaveOS",
        version,
        description:
          "The API of a SaveOS server. Errors are `application/problem+json` (RFC 9457). Repositories are served below `/restic/{repository}/` by restic's own " +
          "REST protocol, so stock `restic` can use them.",
        license: { name: "AGPL-3.0-only", identifier: "AGPL-3.0-only" },
      },
      tags: Object.entries(apiParts).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          session: {
            type: "apiKey",
            in: "cookie",
            name: "saveos.session_token",
            description: "The cookie that `POST /api/v1/session` sets for a person who signs in.",
          },
          api_key: {
            type: "http",
            scheme: "bearer",
            description: "An API key, made by an administrator or with `npx saveos-server create-api-key`.",
          },
          agent_credential: {
            type: "http",
            scheme: "bearer",
            description: "What an agent got when it enrolled.",
          },
        },
      },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: contentSecurityPolicy,
    // A key typed into the page is gone when the page is.
    uiConfig: { persistAuthorization: false },
    theme: {
      title: "SaveOS API",
      css: [{ filename: "saveos.css", content: ".swagger-ui .topbar { display: none }" }],
    },
  });
}
