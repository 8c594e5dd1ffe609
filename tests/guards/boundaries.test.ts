import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../support/run.ts";
import { type TempFolder, tempFolder } from "../support/temp-folder.ts";

/** Guards that nobody has seen refuse anything may as well not be there: each is shown a violation, in a copy of the project. */
describe("the guards of the house", () => {
  const project = join(import.meta.dirname, "../..");
  let copy: TempFolder;

  beforeAll(async () => {
    copy = await tempFolder();
    for (const name of ["packages", "apps", "oxlint.config.ts", "tsconfig.base.json", "tsconfig.json", "package.json"])
      await cp(join(project, name), join(copy.path, name), {
        recursive: true,
        filter: (path) => !path.includes("node_modules"),
      });
    await symlink(join(project, "node_modules"), join(copy.path, "node_modules"));
  });
  afterAll(async () => await copy[Symbol.asyncDispose]());

  test.each([
    ["a Node module", 'import { readFileSync } from "node:fs";\nexport const planted = readFileSync;', "node:fs"],
    [
      "a Node module of promises",
      'import { readFile } from "node:fs/promises";\nexport const planted = readFile;',
      "node:fs/promises",
    ],
    ["Buffer", "export const planted = Buffer.alloc(1);", "Buffer"],
    ["process", "export const planted = process.cwd();", "process"],
    ["document", "export const planted = document.title;", "document"],
    ["window", "export const planted = window.name;", "window"],
  ])("the compiler refuses %s in the portable core", async (_what, code, named) => {
    const { code: exitCode, stdout } = await plantAnd("packages/engine/src/format/planted.ts", code, "tsc", [
      "-p",
      "packages/engine/tsconfig.core.json",
    ]);
    expect(stdout).toContain("planted.ts");
    expect(stdout).toContain(named);
    expect(exitCode).not.toBe(0);
  });

  test.each([
    ["Buffer", "export const planted = Buffer.alloc(1);"],
    ["window", "export const planted = window.name;"],
  ])("the compiler refuses %s in the vault", async (named, code) => {
    const { code: exitCode, stdout } = await plantAnd("packages/vault/src/planted.ts", code, "tsc", [
      "-p",
      "packages/vault",
    ]);
    expect(stdout).toContain(named);
    expect(exitCode).not.toBe(0);
  });

  test.each([
    [
      "a lower folder of the engine importing a higher one",
      "packages/engine/src/format/planted.ts",
      "../repository/locks.ts",
      "lower than itself",
    ],
    [
      "a folder of the engine importing one beside it",
      "packages/engine/src/source/planted.ts",
      "../target/file-target.ts",
      "lower than itself",
    ],
    [
      "the engine importing its platform",
      "packages/engine/src/operations/planted.ts",
      "../platform/node/node-source.ts",
      "platform is passed in",
    ],
    ["the engine importing Node", "packages/engine/src/operations/planted.ts", "node:fs/promises", "portable"],
    [
      "the engine importing a workspace",
      "packages/engine/src/operations/planted.ts",
      "@saveos/contract",
      "stands alone",
    ],
    ["the contract importing anything but zod", "packages/contract/src/planted.ts", "node:crypto", "imports zod only"],
    ["the vault importing Node", "packages/vault/src/planted.ts", "node:crypto", "vault is portable"],
    ["the vault importing a workspace", "packages/vault/src/planted.ts", "@saveos/contract", "stands alone"],
    ["the server importing the engine", "apps/server/src/planted.ts", "@saveos/engine", "server is blind"],
    [
      "a feature reaching into another",
      "apps/server/src/features/jobs/planted.ts",
      "../agents/queries.ts",
      "only through its index.ts",
    ],
    ["the agent importing the server", "apps/agent/src/planted.ts", "@saveos/server", "by the contract"],
    [
      "a workspace reached by its path",
      "apps/agent/src/planted.ts",
      "../../../packages/engine/src/index.ts",
      "by its package name",
    ],
  ])("the linter refuses %s", async (_what, file, imported, message) => {
    const { code, stdout } = await plantAnd(
      file,
      `import * as planted from "${imported}";\nexport default planted;`,
      "oxlint",
      [file],
    );
    expect(stdout).toContain(message);
    expect(code).not.toBe(0);
  });

  test("the linter refuses files that import each other in a circle", async () => {
    await writeFile(
      join(copy.path, "packages/engine/src/format/planted-too.ts"),
      'import { a } from "./planted.ts";\nexport const b = a;',
    );
    const { code, stdout } = await plantAnd(
      "packages/engine/src/format/planted.ts",
      'import { b } from "./planted-too.ts";\nexport const a = 1;\nexport const c = b;',
      "oxlint",
      ["packages/engine/src/format"],
    );
    await rm(join(copy.path, "packages/engine/src/format/planted-too.ts"));
    expect(stdout).toContain("no-cycle");
    expect(code).not.toBe(0);
  });

  test.each([
    ["a promise that nobody awaits", "async function work(): Promise<void> {}\nwork();", "no-floating-promises"],
    [
      "a promise where a boolean is meant",
      "async function isDone(): Promise<boolean> { return true; }\nif (isDone()) console.log(1);",
      "no-misused-promises",
    ],
    [
      "a case that is missing",
      'export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n      break;\n  }\n}',
      "switch-exhaustiveness-check",
    ],
    ["any", "export const planted: any = 1;", "no-explicit-any"],
  ])("the linter refuses %s", async (_what, code, rule) => {
    const file = "apps/server/src/planted.ts";
    const result = await plantAnd(file, code, "oxlint", [file]);
    expect(result.stdout).toContain(rule);
    expect(result.code).not.toBe(0);
  });

  async function plantAnd(file: string, code: string, command: string, args: readonly string[]) {
    const path = join(copy.path, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code);
    try {
      return await run(join(project, "node_modules/.bin", command), args, { cwd: copy.path });
    } finally {
      await rm(path);
    }
  }
});
