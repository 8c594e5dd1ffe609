import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

/*
 * What `npm run build` adds to the bundle for the machines that download it: what it is, its licence, and the native add-on of this kind of machine.
 */

const project = path.join(import.meta.dirname, "..");
const packages = path.join(project, "node_modules");

/** What koffi loads, and what npm asks of it; its sources in C++ and its documentation stay here. */
function isNeededOfKoffi(file: string): boolean {
  if (/^(?:doc|lib|vendor)(?:\/|$)/.test(file)) return false;
  return path.extname(file) === "" || /\.c?js$|^package\.json$|^LICENSE\.txt$/.test(file);
}

/** Makes the built agent in `folder` one that runs by itself. */
export async function packageAgent(folder: string): Promise<void> {
  await cp(path.join(project, "apps/agent/README.md"), path.join(folder, "README.md"));
  await cp(path.join(project, "LICENSE"), path.join(folder, "LICENSE"));
  await writeFile(path.join(folder, "package.json"), `${JSON.stringify(await manifest(), null, 2)}\n`);
  const beside = path.join(folder, "node_modules");
  const koffi = path.join(packages, "koffi");
  await cp(koffi, path.join(beside, "koffi"), {
    recursive: true,
    filter: (file) => isNeededOfKoffi(path.relative(koffi, file).replaceAll(path.sep, "/")),
  });
  await mkdir(path.join(beside, "@koromix"), { recursive: true });
  for (const name of await readdir(path.join(packages, "@koromix"))) {
    await cp(path.join(packages, "@koromix", name), path.join(beside, "@koromix", name), { recursive: true });
  }
}

/** Lets npm get the add-on for another kind of machine. */
async function manifest(): Promise<object> {
  const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(path.join(project, file), "utf8"));
  const { version, license } = (await read("apps/agent/package.json")) as { version: string; license: string };
  const { version: koffi } = (await read("node_modules/koffi/package.json")) as { version: string };
  return {
    name: "saveos-agent",
    version,
    private: true,
    license,
    type: "module",
    bin: { "saveos-agent": "saveos-agent.js" },
    engines: { node: ">=26" },
    dependencies: { koffi },
  };
}
