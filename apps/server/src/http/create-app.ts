import { randomUUID } from "node:crypto";
import { fastify, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import { documentApi } from "./api-docs.ts";
import { answerErrorsAsProblems } from "./errors.ts";
import { collectRoutes } from "./known-routes.ts";
import { addSecurityHeaders } from "./security-headers.ts";

interface Options {
  readonly log: FastifyBaseLogger;
  /** Serve TLS with these, or plain HTTP without. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Proxies that are believed about their clients' addresses. Any other could say anything. */
  readonly trustedProxies: readonly string[];
}

/** What a body of the API may hold, where its route doesn't say otherwise. */
const bodyMaxBytes = 1024 * 1024;

/** The head of a request must arrive in this time: slower ones hold connections open for nothing. */
const headersTimeoutMs = 30_000;

/** Longer than common proxies keep an idle connection, so that it isn't closed under a request that is on its way. */
const keepAliveMs = 75_000;

/** An HTTP server that checks requests, answers errors as problems and describes itself, without any route yet. */
export async function createApp({ log, tls, trustedProxies }: Options): Promise<FastifyInstance> {
  const options = {
    loggerInstance: log,
    bodyLimit: bodyMaxBytes,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    keepAliveTimeout: keepAliveMs,
    // An id from outside could be anyone's, or say anything in the log.
    requestIdHeader: false as const,
    genReqId: () => randomUUID(),
    // A stop lets running requests end: whoever stops the server sets the limit.
    forceCloseConnections: "idle" as const,
    http: { headersTimeout: headersTimeoutMs },
  };
  const app =
    tls === undefined
      ? fastify(options)
      : // HTTP/1.1 only: restic's protocol gains nothing from HTTP/2.
        (fastify({
          ...options,
          https: { cert: tls.certificate, key: tls.key, minVersion: "TLSv1.2", ALPNCallback: chooseProtocol },
        }) as unknown as FastifyInstance);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  answerErrorsAsProblems(app, collectRoutes(app));
  addSecurityHeaders(app);
  await documentApi(app);
  return app;
}

/**
 * HTTP/1.1 for those who ask which protocol. Where there is a list instead, Node keeps a copy of it with every connection, a few bytes that each hold on to some of
 * the 64 KiB that small buffers share: 10 KB a waiting agent.
 */
function chooseProtocol({ protocols }: { readonly protocols: readonly string[] }): "http/1.1" | undefined {
  return protocols.includes("http/1.1") ? "http/1.1" : undefined;
}
