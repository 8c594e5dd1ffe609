import type { Node } from "../../format/node.ts";

/**
 * The JSON of a tree's entry with another content and size, or another subtree, and all else as it stands there: times keep their zone. `json` is as restic
 * writes it (`readTreeRows` has read it), `before` is what it says. Undefined if it can't be done this way.
 */
export function changedEntry(json: Uint8Array, before: Node, after: Node): Uint8Array | undefined {
  if (after === before) return json;
  // Bytes as characters: what is looked for is ASCII. No string in JSON has a quote that is not escaped, so a key is a key.
  const text = latin1.decode(json);
  if (before.type === "dir") {
    if (before.subtree === undefined || after.subtree === undefined) return undefined;
    return replaced(text, `,"subtree":"${before.subtree}"`, `,"subtree":"${after.subtree}"`);
  }
  if (before.content === undefined || after.content === undefined) return undefined;
  const contentOf = (ids: readonly string[]) => `,"content":[${ids.map((id) => `"${id}"`).join(",")}]`;
  const withContent = replaced(text, contentOf(before.content), contentOf(after.content));
  if (withContent === undefined || before.size === after.size) return withContent;
  // Left out where it is 0, and then nobody knows where it goes.
  if (before.size === 0) return undefined;
  const size = after.size === 0 ? "" : `,"size":${after.size}`;
  return replaced(latin1.decode(withContent), `,"size":${before.size},`, `${size},`);
}

function replaced(text: string, before: string, after: string): Uint8Array | undefined {
  const at = text.indexOf(before);
  if (at === -1) return undefined;
  const result = text.slice(0, at) + after + text.slice(at + before.length);
  return Uint8Array.from(result, (character) => character.charCodeAt(0));
}

const latin1 = new TextDecoder("latin1");
