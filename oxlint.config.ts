import { defineConfig } from "oxlint";

/*
 * Lint rules, and the direction of imports as docs/architecture.md draws it. Every boundary says why, because its message is what a
 * developer meets; `tests/guards` plants a violation for each and sees it refused.
 */

/** The engine's folders from the ground up. A folder imports only from lower floors; those on one floor don't import each other. */
const engineFloors = [
  ["errors"],
  ["flow"],
  ["format", "crypto"],
  ["chunk", "pattern"],
  ["blob", "source", "target"],
  ["pack", "store", "blob-index"],
  ["compute"],
  ["repository"],
  ["operations"],
];

const toEntryPoints = "(\\.\\./)+(index|platform)(\\.ts$|/)";

/* oxlint's patterns know no look-around, hence the spelled-out negations. */
function restrict(files: string[], ...patterns: { regex: string; message: string }[]) {
  const rule: ["error", { patterns: typeof patterns }] = ["error", { patterns }];
  return { files, rules: { "no-restricted-imports": rule } };
}

const engineFolders = engineFloors.flatMap((floor, height) =>
  floor.map((folder) => {
    const higher = [...engineFloors.slice(height + 1).flat(), ...floor.filter((other) => other !== folder)];
    return restrict(
      [`packages/engine/src/${folder}/**/*.ts`],
      ...(higher.length === 0
        ? []
        : [
            {
              regex: `^(\\.\\./)+(${higher.join("|")})/`,
              message: `A folder of the engine imports only from those lower than itself: ${folder}/ stands below or beside ${higher.join(", ")}.`,
            },
          ]),
      {
        regex: `^${toEntryPoints}`,
        message: "The platform is passed in: nothing inside the engine imports platform/ or index.ts.",
      },
      { regex: "^node:", message: "The engine's core is portable: what needs Node belongs to platform/node." },
      { regex: "^@saveos/", message: "The engine stands alone: it imports no workspace." },
    );
  }),
);

export default defineConfig({
  options: { typeAware: true },
  plugins: ["typescript", "import", "unicorn", "oxc", "promise", "node"],
  categories: { correctness: "error", suspicious: "error" },
  ignorePatterns: ["**/node_modules/**", "**/dist/**", "**/vectors/**", "data/**"],
  rules: {
    "import/no-cycle": "error",
    "no-await-in-loop": "off",
    "no-underscore-dangle": "off",
    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-misused-promises": "error",
    "typescript/only-throw-error": "error",
    "typescript/switch-exhaustiveness-check": "error",
    // A resource that is only held for its scope (`await using _lock`) is used by being there.
    "no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    // The sorted copies that are meant are written `toSorted`; in-place sorts of own arrays are fine.
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
    // A function inside another says that it belongs there.
    "unicorn/consistent-function-scoping": "off",
    "no-shadow": "off",
    // The compiler knows better which switch is exhaustive.
    "typescript/consistent-return": "off",
    "typescript/require-array-sort-compare": ["error", { ignoreStringArrays: true }],
    "import/no-unassigned-import": ["error", { allow: ["reflect-metadata"] }],
    "typescript/no-unsafe-type-assertion": "off",
  },
  overrides: [
    ...engineFolders,
    restrict(["packages/contract/src/**/*.ts"], {
      regex: "^([^.z]|z[^o]|zo[^d]|zod.)",
      message: "The contract is values and types that every side can load: it imports zod only.",
    }),
    restrict(
      ["packages/vault/src/**/*.ts"],
      { regex: "^node:", message: "The vault is portable: browsers seal and open with it, too." },
      { regex: "^(@saveos/|(\\.\\./)+(packages|apps)/)", message: "The vault stands alone: it imports no workspace." },
    ),
    restrict(
      ["apps/agent/src/**/*.ts"],
      {
        regex: "^@saveos/(server|web|agent)",
        message: "The agent knows the server by the contract, never by its code.",
      },
      {
        regex: "^(\\.\\./)+(packages|apps)/",
        message: "Another workspace is imported by its package name, through its exports.",
      },
    ),
    restrict(
      ["apps/server/src/**/*.ts"],
      {
        regex: "^@saveos/(engine|vault|agent|web)",
        message: "The server is blind: it has no engine because it has no keys. It imports the contract only.",
      },
      {
        regex: "^(\\.\\./)+(packages|apps)/",
        message: "Another workspace is imported by its package name, through its exports.",
      },
    ),
    restrict(
      ["apps/server/src/features/*/*.ts"],
      {
        regex: "^\\.\\./[^./][^/]*/([^i]|i[^n]|in[^d]|ind[^e]|inde[^x]).*$",
        message: "A feature imports another only through its index.ts.",
      },
      {
        regex: "^@saveos/(engine|vault|agent|web)",
        message: "The server is blind: it has no engine because it has no keys. It imports the contract only.",
      },
      {
        regex: "^(\\.\\./)+(packages|apps)/",
        message: "Another workspace is imported by its package name, through its exports.",
      },
    ),
    // Tests sit beside what they test, and may use the platform and the fakes.
    { files: ["**/*.test.ts"], rules: { "no-restricted-imports": "off", "typescript/no-non-null-assertion": "off" } },
  ],
});
