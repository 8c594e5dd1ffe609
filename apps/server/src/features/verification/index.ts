export { measureLoad } from "./load.ts";
export { verificationRoutes } from "./routes.ts";
export { showProgress } from "./show-progress.ts";
export { Verifier } from "./verifier.ts";
