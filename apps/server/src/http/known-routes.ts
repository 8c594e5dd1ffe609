import type { FastifyInstance } from "fastify";

/** A route of the app: a pattern such as `/api/v1/jobs/:job_id`, as segments, and a method. */
export interface KnownRoute {
  readonly method: string;
  readonly segments: readonly string[];
}

/** Collects the routes that `app` gets from now on. Fastify itself can't tell which methods an address has. */
export function collectRoutes(app: FastifyInstance): readonly KnownRoute[] {
  const routes: KnownRoute[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) routes.push({ method: one, segments: url.split("/") });
  });
  return routes;
}

/** The methods that `path` has, sorted. None: there is nothing at this path. */
export function allowedMethods(routes: readonly KnownRoute[], path: string): string[] {
  const segments = path.split("/");
  const methods = routes.filter((route) => matches(route.segments, segments)).map(({ method }) => method);
  return [...new Set(methods)].sort();
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const wildcard = pattern.indexOf("*");
  if (wildcard !== -1) return matches(pattern.slice(0, wildcard), segments.slice(0, wildcard));
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, i) => (part.startsWith(":") ? segments[i] !== "" : part === segments[i]));
}
