import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { runCommand } from "./run-command.ts";

/*
 * `npm run build-kernels` compiles packages/engine/kernels into the modules that the engine carries along. With `--check` it writes nothing and
 * fails if they are not what the sources give.
 */

const sourceFolder = "packages/engine/kernels";
const targetFolder = "packages/engine/src/compute/wasm";
const kernels = [
  { name: "first-cut", constant: "firstCutKernel" },
  { name: "poly1305", constant: "poly1305Kernel" },
  { name: "sha256-four", constant: "sha256FourKernel" },
] as const;

/** `zeroFilledMemory`: a new memory is, so variables without a value need no bytes in the module. */
const compilerOptions =
  "-O3 --noAssert --runtime stub --enable simd --importMemory --noExportMemory --zeroFilledMemory".split(" ");

const isCheck = process.argv.includes("--check");
const folder = await mkdtemp(path.join(tmpdir(), "saveos-kernels-"));
try {
  for (const { name, constant } of kernels) {
    const target = path.join(targetFolder, `${name}-kernel.ts`);
    const text = moduleText(name, constant, await compile(name));
    if (!isCheck) await writeFile(target, text);
    else if ((await readFile(target, "utf8")) !== text) fail(`${target} is not what its source gives.`);
  }
} finally {
  await rm(folder, { recursive: true });
}

async function compile(name: string): Promise<Buffer> {
  const out = path.join(folder, `${name}.wasm`);
  const { ok, output } = await runCommand(name, "asc", [
    path.join(sourceFolder, `${name}.ts`),
    "-o",
    out,
    ...compilerOptions,
  ]);
  if (!ok) throw new Error(`The AssemblyScript compiler refused ${name}:\n${output}`);
  return await readFile(out);
}

/** As the formatter leaves it. */
function moduleText(name: string, constant: string, wasm: Buffer): string {
  return `// Made by \`npm run build-kernels\` from ${sourceFolder}/${name}.ts: change that.
export const ${constant} =
  "${wasm.toString("base64")}";
`;
}

function fail(message: string): void {
  console.error(`${message} Run: npm run build-kernels`);
  process.exitCode = 1;
}
