import type { Node } from "../../format/node.ts";

/** A node with plain values for whatever a test does not care about. */
export function sampleNode(given: Partial<Node> & Pick<Node, "name">): Node {
  return {
    type: "file",
    mode: 0o644,
    mtimeNs: 1_700_000_000_123_456_789n,
    atimeNs: 1_700_000_000_123_456_789n,
    ctimeNs: 1_700_000_000_123_456_789n,
    uid: 0,
    gid: 0,
    user: "",
    group: "",
    inode: 0n,
    deviceId: 0n,
    size: 0,
    links: 0n,
    linkTarget: "",
    extendedAttributes: [],
    genericAttributes: new Map(),
    device: 0n,
    content: undefined,
    subtree: undefined,
    ...given,
  };
}
