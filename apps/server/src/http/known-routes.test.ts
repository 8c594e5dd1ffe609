import { expect, test } from "vitest";
import { allowedMethods } from "./known-routes.ts";

const routes = [
  ["GET", "/api/agents"],
  ["POST", "/api/agents/:agent_id/revoke"],
  ["GET", "/api/agents/:agent_id"],
  ["GET", "/docs/*"],
].map(([method = "", url = ""]) => ({ method, segments: url.split("/") }));

test.each([
  ["/api/agents", ["GET"]],
  ["/api/agents/42", ["GET"]],
  ["/api/agents/42/revoke", ["POST"]],
  ["/docs/static/page.css", ["GET"]],
  ["/api/agents/", []],
  ["/api/agents/42/other", []],
  ["/elsewhere", []],
])("%s has the methods %j", (path, methods) => {
  expect(allowedMethods(routes, path)).toEqual(methods);
});
