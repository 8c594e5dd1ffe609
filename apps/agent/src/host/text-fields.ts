import { AgentError } from "../errors/agent-error.ts";

/** Parses a file of the agent: a JSON object in which each of `names` is a text. Rejects with `bad-settings`. Other fields are left alone. */
export function parseTextFields<Name extends string>(
  file: string,
  text: string,
  names: readonly Name[],
): Record<Name, string> {
  const value = parseObject(file, text);
  const fields = names.map((name): [Name, string] => {
    const field = value[name];
    if (typeof field !== "string" || field === "")
      throw new AgentError("bad-settings", `${file} has no "${name}".`, { hint: enrolAgain });
    return [name, field];
  });
  return Object.fromEntries(fields) as Record<Name, string>;
}

/** Rejects with `bad-settings` unless `text` is a JSON object. */
export function parseObject(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new AgentError("bad-settings", `${file} is not JSON.`, { cause, hint: enrolAgain });
  }
  throw new AgentError("bad-settings", `${file} is not a JSON object.`, { hint: enrolAgain });
}

const enrolAgain = "Bring the file back from a copy, or enrol this machine again.";
