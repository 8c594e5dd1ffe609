export { enrolmentRoutes } from "./routes.ts";
export { enrolmentTokenState } from "./token-state.ts";
