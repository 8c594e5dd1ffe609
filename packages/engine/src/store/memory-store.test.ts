import { objectStoreSuite } from "../platform/testing/object-store-suite.ts";
import { memoryStore } from "./memory-store.ts";

objectStoreSuite("memory store", async () => ({ store: memoryStore(), [Symbol.asyncDispose]: async () => undefined }));
