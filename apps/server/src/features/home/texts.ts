/** The words of the page, in each language there is. Nothing here comes from a request. */
export const texts = {
  en: {
    what: "This server keeps the backups of your machines. They are encrypted before they arrive: it can't read them.",
    server: "Server",
    database: "Database",
    objectStore: "Storage",
    versionLabel: "Version",
    ready: "ready",
    notReady: "not ready: its log says why",
    ok: "works",
    failed: "doesn't work",
    begin: "To administer it, make yourself an API key:",
    docs: "The API, with all it can do",
    licence: "Free software under the GNU Affero General Public License, version 3.",
  },
  fr: {
    what: "Ce serveur conserve les sauvegardes de vos machines. Elles sont chiffrées avant de lui parvenir : il ne peut pas les lire.",
    server: "Serveur",
    database: "Base de données",
    objectStore: "Stockage",
    versionLabel: "Version",
    ready: "prêt",
    notReady: "pas prêt : son journal dit pourquoi",
    ok: "fonctionne",
    failed: "ne fonctionne pas",
    begin: "Pour l’administrer, créez-vous une clé d’API :",
    docs: "L’API et tout ce qu’elle permet",
    licence: "Logiciel libre sous licence publique générale GNU Affero, version 3.",
  },
} as const;

export type Language = keyof typeof texts;

/** The language that a browser would rather have (RFC 9110, `Accept-Language`): French if it is asked for before English, else English. */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  const wishes = (acceptLanguage ?? "")
    .split(",")
    .map((wish) => {
      const [range = "", ...parameters] = wish.trim().toLowerCase().split(";");
      const quality = parameters
        .map((parameter) => /^ *q=([0-9.]+)$/.exec(parameter)?.[1])
        .find((q) => q !== undefined);
      return { language: range.split("-", 1)[0], quality: Number(quality ?? 1) };
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  return wishes.find(({ language }) => language === "fr" || language === "en")?.language === "fr" ? "fr" : "en";
}
