import type { Health } from "@saveos/contract";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import { type EntryPage, entryWords } from "./entry-texts.ts";
import { fill, type OwnPage, readOwnPage } from "./own-page.ts";
import { chooseLanguage, type Language, texts } from "./texts.ts";

interface Deps {
  readonly checkHealth: () => Promise<Health>;
  /** Whether somebody owns the server already. */
  readonly isSetUp: () => Promise<boolean>;
}

/** The pages for people: what this is and how it does, and where they come in with a link. The dashboard will take their place. */
export async function homeRoutes({ checkHealth, isSetUp }: Deps): Promise<FastifyPluginAsyncZod> {
  const homePage = await readOwnPage("home-page.html");
  const entryPage = await readOwnPage("entry-page.html");

  const sendEntryPage = async (page: EntryPage, request: FastifyRequest, reply: FastifyReply) => {
    // A database that is away hides nothing from who has a link: the page then says so when it is sent.
    const isTaken = page === "setup" && (await isSetUp().catch(() => false));
    return await sendPage(entryPage, request, reply, (language) => entryWords(language, page, isTaken));
  };

  return async (app) => {
    app.get("/", { schema: { hide: true } }, async (request, reply) => {
      const health = await checkHealth();
      return await sendPage(homePage, request, reply, (language) => wordsFor(language, health));
    });
    app.get(
      "/setup",
      { schema: { hide: true } },
      async (request, reply) => await sendEntryPage("setup", request, reply),
    );
    app.get(
      "/invitation",
      { schema: { hide: true } },
      async (request, reply) => await sendEntryPage("invitation", request, reply),
    );
  };
}

async function sendPage(
  { template, contentSecurityPolicy }: OwnPage,
  request: FastifyRequest,
  reply: FastifyReply,
  words: (language: Language) => Record<string, string>,
): Promise<FastifyReply> {
  const language = chooseLanguage(request.headers["accept-language"]);
  return await reply
    .type("text/html; charset=utf-8")
    .headers({
      "content-security-policy": contentSecurityPolicy,
      "content-language": language,
      vary: "accept-language",
    })
    .send(fill(template, { lang: language, ...words(language) }));
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
