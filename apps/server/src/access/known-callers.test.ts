import type { FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import type { AgentCaller } from "./caller.ts";
import { KnownCallers } from "./known-callers.ts";

function requestWith(headers: Record<string, string>): FastifyRequest {
  return { headers } as unknown as FastifyRequest;
}

function bearer(credential: string): FastifyRequest {
  return requestWith({ authorization: `Bearer ${credential}` });
}

function agent(agentId: string): AgentCaller {
  return { kind: "agent", agentId } as AgentCaller;
}

test("a caller is known by the credential that let them in, and by no other", () => {
  const callers = new KnownCallers();
  callers.remember(bearer("one"), agent("1"));
  expect(callers.of(bearer("one"))).toEqual({ kind: "agent", id: "agent:1" });
  for (const other of [bearer("two"), requestWith({}), requestWith({ cookie: "one" })]) {
    expect(callers.of(other)).toBeUndefined();
  }
});

test("a session is known whatever other cookies a browser sends", () => {
  const callers = new KnownCallers();
  const withCookies = (cookie: string) => requestWith({ cookie });
  callers.remember(withCookies("saveos.session_token=abc"), agent("1"));
  expect(callers.of(withCookies("theme=dark; saveos.session_token=abc; a=b"))).toBeDefined();
  expect(callers.of(withCookies("theme=dark; __Secure-saveos.session_token=abc"))).toBeDefined();
  expect(callers.of(withCookies("saveos.session_token=abcd"))).toBeUndefined();
  expect(callers.of(withCookies("not-saveos.session_token=abc"))).toBeUndefined();
});

test("a credential that lets nobody in any more is forgotten", () => {
  const callers = new KnownCallers();
  callers.remember(bearer("one"), agent("1"));
  callers.remember(bearer("one"), undefined);
  expect(callers.of(bearer("one"))).toBeUndefined();
});

test("no more are kept than there is room for: those that were not used for the longest time go first", () => {
  const callers = new KnownCallers(2);
  for (const id of ["1", "2", "1", "3"]) callers.remember(bearer(id), agent(id));
  expect(["1", "2", "3"].map((id) => callers.of(bearer(id))?.id)).toEqual(["agent:1", undefined, "agent:3"]);
});
