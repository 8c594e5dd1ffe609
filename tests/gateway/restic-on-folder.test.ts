import { describeWith } from "../support/missing-peers.ts";
import { resticSuite } from "./restic-suite.ts";

describeWith(["restic", "extended attributes"], "stock restic on a server that keeps its objects in a folder", () => {
  resticSuite(async () => ({}));
});
