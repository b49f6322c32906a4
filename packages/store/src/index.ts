export * from "./cluster-store.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { MemoryStore } from "./memory-store.ts";
