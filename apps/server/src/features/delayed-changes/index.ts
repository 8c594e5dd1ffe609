export { type ApplyChange, applyDelayedChanges } from "./apply-delayed-changes.ts";
export { applyDelayedChange, delayChange, dropDelayed, findDelayed } from "./delay-change.ts";
export { delayedChangeRoutes } from "./routes.ts";
