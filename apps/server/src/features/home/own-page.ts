import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** A page that lies beside this file: its template, and what browsers may do with it. */
export interface OwnPage {
  readonly template: string;
  readonly contentSecurityPolicy: string;
}

/** Reads a template, and puts the style sheets and scripts that lie beside it where it names them. */
export async function readOwnPage(name: string): Promise<OwnPage> {
  let template = await read(name);
  for (const [place, file = ""] of template.matchAll(/\/\* ([\w-]+\.(?:css|js)) \*\//g)) {
    const text = await read(file);
    template = template.replace(place, () => text);
  }
  return { template, contentSecurityPolicy: contentSecurityPolicy(template) };
}

/** Puts the words in their places; places without a word stay. The words are all our own, so there is nothing to escape. */
export function fill(template: string, words: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (place, name: string) => words[name] ?? place);
}

async function read(name: string): Promise<string> {
  return await readFile(join(import.meta.dirname, name), "utf8");
}

/** Allows the page its own style sheet and script, by their hashes, requests to this server if it has a script, and nothing else. */
function contentSecurityPolicy(template: string): string {
  const style = /<style>(.*?)<\/style>/s.exec(template)?.[1] ?? "";
  const script = /<script>(.*?)<\/script>/s.exec(template)?.[1];
  const forScript = script === undefined ? "" : ` script-src '${hashOf(script)}'; connect-src 'self';`;
  return `default-src 'none'; style-src '${hashOf(style)}';${forScript} base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}
