import { beforeAll, expect, test } from "vitest";
import { lockIdentity, makeIdentity, recipientOf, sealPassword } from "../index.ts";
import { kitTexts } from "./kit-texts.ts";
import { parseRecoveryKit, type RecoveryKit } from "./recovery-kit.ts";
import { renderRecoveryKit } from "./render-recovery-kit.ts";

let kit: RecoveryKit;

beforeAll(async () => {
  const identity = await makeIdentity();
  const agentRecipient = await recipientOf(await makeIdentity());
  const id = "0f5b2c1e-0000-4000-8000-000000000001";
  kit = {
    tenant: 'Smith & Sons <"Ltd">',
    madeAt: "2026-03-01T10:00:00.000Z",
    server: "https://backup.example.org:8443",
    storage: { kind: "folder", path: "/var/lib/saveos/objects" },
    lockedIdentities: [{ label: "Ann", locked: await lockIdentity(identity, "correct horse battery staple") }],
    repositories: [
      {
        id,
        host: "web 1",
        sealedPassword: await sealPassword(await recipientOf(identity), {
          password: "the password",
          agentRecipient,
          repositoryId: id,
          host: "web 1",
        }),
      },
      { id: "7e5b2c1e-0000-4000-8000-000000000002", host: "db", sealedPassword: undefined },
    ],
  };
});

test.each(["en", "fr"] as const)("a page in %s holds the kit whole, for programs too", (language) => {
  expect(parseRecoveryKit(renderRecoveryKit(kit, language))).toEqual(kit);
});

test.each(["en", "fr"] as const)("a page in %s has every text and leaves no place in one empty", (language) => {
  const page = renderRecoveryKit(
    {
      ...kit,
      tenant: "Smith",
      storage: { kind: "s3", bucket: "b", region: "eu-1", endpoint: "https://s3.example.org" },
    },
    language,
  );
  const shown = page.replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  const { none: _none, storageFolder: _folder, ...texts } = kitTexts[language];
  for (const text of Object.values(texts).flat())
    for (const part of text.split(/\{\w+\}/)) expect(shown).toContain(part);
  expect(shown).not.toMatch(/\{\w+\}/);
});

test("nothing that somebody named can become a part of the page", () => {
  const page = renderRecoveryKit({ ...kit, tenant: "</script><script>alert(1)</script>" }, "en");
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).toContain("&lt;script&gt;alert(1)");
});

test("it needs nothing from anywhere", () => {
  expect(renderRecoveryKit(kit, "en")).not.toMatch(/\b(src|href)=|@import|url\(/);
});

test("a bucket's repositories are where restic looks for them", () => {
  const storage = { kind: "s3", bucket: "backups", region: "eu-west-3" } as const;
  const shown = (changes: object) => renderRecoveryKit({ ...kit, storage: { ...storage, ...changes } }, "en");
  const { id } = kit.repositories[0] ?? { id: "" };
  expect(shown({})).toContain(`'s3:https://s3.eu-west-3.amazonaws.com/backups/${id}'`);
  expect(shown({ endpoint: "http://minio:9000/", prefix: "saveos/all" })).toContain(
    `'s3:http://minio:9000/backups/saveos/all/${id}'`,
  );
});

test("a machine whose password is not in the vault is said to be out of reach", () => {
  const page = renderRecoveryKit(kit, "en");
  expect(page).toContain(kitTexts.en.notSealed);
  expect(page.match(/data-step="password"/g)).toHaveLength(1);
});

test.each(["", "<html></html>", '<script type="application/json" id="saveos-recovery-kit">{}</script>'])(
  "%j is no kit, and that is said",
  (page) => {
    expect(() => parseRecoveryKit(page)).toThrow(expect.objectContaining({ name: "VaultError", code: "damaged" }));
  },
);
