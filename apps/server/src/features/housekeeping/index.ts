export { cleanUp, cleanUpTask } from "./clean-up.ts";
