import { commandsOf, type KitRepositoryCommands } from "./kit-commands.ts";
import { kitStyle } from "./kit-style.ts";
import { type KitLanguage, type KitTexts, kitTexts } from "./kit-texts.ts";
import { embedKit, type RecoveryKit } from "./recovery-kit.ts";

/**
 * The kit as one page that needs nothing else: to be printed, kept on paper or a disk, and read when SaveOS is gone. Every step is a block to copy whole; the same
 * facts are in it for `saveos-agent recover`.
 */
export function renderRecoveryKit(kit: RecoveryKit, language: KitLanguage): string {
  const texts = kitTexts[language];
  const title = `${texts.title} — ${kit.tenant}`;
  return [
    `<!doctype html>`,
    `<html lang="${language}">`,
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title>`,
    `<style>${kitStyle}</style></head>`,
    `<body>`,
    `<header><p class="brand">SaveOS</p><h1>${escape(title)}</h1>`,
    `<p class="lead">${escape(fill(texts.lead, { tenant: kit.tenant }))}</p>`,
    facts(kit, texts, language),
    `</header>`,
    section(texts.keepTitle, `<ul>${texts.keep.map((text) => `<li>${escape(text)}</li>`).join("")}</ul>`),
    section(texts.machinesTitle, machines(kit, texts)),
    section(texts.withSaveosTitle, paragraph(texts.withSaveos), block("recover", recoverCommand(kit))),
    steps(kit, texts),
    embedKit(kit),
    `</body></html>`,
    ``,
  ].join("\n");
}

function facts({ madeAt, server, storage }: RecoveryKit, texts: KitTexts, language: KitLanguage): string {
  const day = new Intl.DateTimeFormat(language, { dateStyle: "long", timeZone: "UTC" }).format(new Date(madeAt));
  const place =
    storage.kind === "folder"
      ? storage.path
      : [storage.endpoint, storage.bucket, storage.prefix].filter(Boolean).join(" / ");
  const rows = [
    [texts.madeAt, day],
    [texts.server, server],
    [texts.storage, place],
  ];
  return `<dl>${rows.map(([name = "", value = ""]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>`;
}

function machines(kit: RecoveryKit, texts: KitTexts): string {
  if (kit.repositories.length === 0) return paragraph(texts.none);
  const rows = commandsOf(kit).repositories.map(
    ({ repository, location, openPassword }) =>
      `<tr><td>${escape(repository.host)}</td><td><code>${escape(location)}</code>` +
      `${openPassword === undefined ? `<p class="warning">${escape(texts.notSealed)}</p>` : ""}</td></tr>`,
  );
  const head = [texts.machine, texts.repository].map((name) => `<th>${escape(name)}</th>`).join("");
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function recoverCommand({ repositories }: RecoveryKit): string {
  const host = repositories.find(({ sealedPassword }) => sealedPassword !== undefined)?.host ?? "…";
  return `saveos-agent recover recovery-kit.html --machine ${host} --target restored`;
}

function steps(kit: RecoveryKit, texts: KitTexts): string {
  const { prepare, identities, repositories } = commandsOf(kit);
  const openable = repositories.filter(({ openPassword }) => openPassword !== undefined);
  const { storage } = kit;
  const where =
    storage.kind === "folder"
      ? fill(texts.storageFolder, { path: storage.path })
      : fill(texts.storageBucket, { bucket: storage.bucket });
  const list = [
    step(
      texts.installTitle,
      ...texts.install.map((command) => block("install", command)),
      paragraph(texts.installWindows),
    ),
    step(texts.storageTitle, paragraph(where), ...(prepare === undefined ? [] : [block("prepare", prepare)])),
    step(
      texts.identityTitle,
      paragraph(texts.identity),
      ...identities.flatMap(({ label, command }) => [
        paragraph(fill(texts.identityOf, { label }), "name"),
        block("identity", command),
      ]),
      paragraph(texts.windows),
    ),
    step(
      texts.passwordTitle,
      paragraph(texts.password),
      ...openable.flatMap((commands) => named(commands, "password", commands.openPassword)),
    ),
    step(
      texts.restoreTitle,
      paragraph(texts.restore),
      ...openable.flatMap((commands) => [
        ...named(commands, "list", commands.listSnapshots),
        block("restore", commands.restore ?? ""),
      ]),
    ),
    step(texts.cleanUpTitle, paragraph(texts.cleanUp), block("clean-up", "rm identity.txt *.password")),
  ];
  return section(texts.stepsTitle, paragraph(texts.stepsLead), `<ol>${list.join("\n")}</ol>`);
}

function named({ repository }: KitRepositoryCommands, kind: string, command = ""): string[] {
  return [paragraph(repository.host, "name"), block(kind, command)];
}

function section(title: string, ...content: string[]): string {
  return `<section><h2>${escape(title)}</h2>\n${content.join("\n")}</section>`;
}

function step(title: string, ...content: string[]): string {
  return `<li><h3>${escape(title)}</h3>\n${content.join("\n")}</li>`;
}

function paragraph(text: string, name?: string): string {
  return `<p${name === undefined ? "" : ` class="${name}"`}>${escape(text)}</p>`;
}

/** What is to be typed. `kind` says which step it belongs to. */
function block(kind: string, command: string): string {
  return `<pre data-step="${kind}">${escape(command)}</pre>`;
}

function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? "");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
