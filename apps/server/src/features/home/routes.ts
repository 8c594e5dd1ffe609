import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Health } from "@saveos/contract";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { chooseLanguage, type Language, texts } from "./texts.ts";

interface Deps {
  readonly checkHealth: () => Promise<Health>;
}

/** The page at `/`: what this is and how it does. The dashboard will take its place. */
export async function homeRoutes({ checkHealth }: Deps): Promise<FastifyPluginAsyncZod> {
  const template = await readFile(join(import.meta.dirname, "home-page.html"), "utf8");
  const policy = contentSecurityPolicy(template);
  return async (app) => {
    app.get("/", { schema: { hide: true } }, async (request, reply) => {
      const language = chooseLanguage(request.headers["accept-language"]);
      return await reply
        .type("text/html; charset=utf-8")
        .headers({ "content-security-policy": policy, "content-language": language, vary: "accept-language" })
        .send(fill(template, { lang: language, ...wordsFor(language, await checkHealth()) }));
    });
  };
}

function wordsFor(language: Language, { status, version, checks }: Health): Record<string, string> {
  const words = texts[language];
  const serverClass = status === "ready" ? "ok" : "failed";
  return {
    ...words,
    version,
    serverClass,
    serverState: status === "ready" ? words.ready : words.notReady,
    databaseClass: checks.database,
    databaseState: words[checks.database],
    objectStoreClass: checks.object_store,
    objectStoreState: words[checks.object_store],
  };
}

/** Puts the words in their places. They are all our own, so there is nothing to escape. */
function fill(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (_place, name: string) => words[name] ?? "");
}

/** Allows the page its own style sheet, by its hash, and nothing else. */
function contentSecurityPolicy(template: string): string {
  const style = /<style>(.*?)<\/style>/s.exec(template)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'`;
}
