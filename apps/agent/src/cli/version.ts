import packageJson from "../../package.json" with { type: "json" };

export const version = packageJson.version;

/** Recorded in snapshots. */
export const programVersion = `saveos ${version}`;
