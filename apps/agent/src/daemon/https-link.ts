import { credentialResponse, heartbeatResponse } from "@saveos/contract";
import { type Exchange, exchangeJson, parseAnswer } from "./http-exchange.ts";
import type { ServerLink } from "./server-link.ts";

/** Beyond the time that the server may hold the answer back: for a slow network. */
const answerAllowanceMs = 30_000;

/** The line to a real server, over HTTPS. */
export function httpsLink(exchange: Exchange): ServerLink {
  return {
    async heartbeat(request, { signal }) {
      const answer = await exchangeJson(exchange, {
        method: "POST",
        path: "/api/v1/agents/heartbeat",
        body: request,
        signal,
        timeoutMs: request.wait_seconds * 1000 + answerAllowanceMs,
      });
      return parseAnswer(heartbeatResponse, answer, exchange.serverUrl);
    },
    async renewCredential({ signal }) {
      const answer = await exchangeJson(exchange, {
        method: "POST",
        path: "/api/v1/agents/credential",
        body: {},
        signal,
        timeoutMs: answerAllowanceMs,
      });
      return parseAnswer(credentialResponse, answer, exchange.serverUrl).credential;
    },
    async sealPassword(request, { signal }) {
      await exchangeJson(exchange, {
        method: "PUT",
        path: "/api/v1/agents/sealed-password",
        body: request,
        signal,
        timeoutMs: answerAllowanceMs,
      });
    },
    async report(reports, { signal }) {
      await exchangeJson(exchange, {
        method: "POST",
        path: "/api/v1/agents/reports",
        body: { reports },
        signal,
        timeoutMs: answerAllowanceMs,
      });
    },
  };
}
