export { finishRotation } from "./finish-rotation.ts";
export { pinOfVault, vaultForAgent, vaultVersion } from "./queries.ts";
export { vaultRoutes } from "./routes.ts";
