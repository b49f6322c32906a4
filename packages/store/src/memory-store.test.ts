import { clusterStoreContract } from "./contract.ts";
import { MemoryStore } from "./memory-store.ts";

clusterStoreContract({
  name: "MemoryStore",
  open: async () => new MemoryStore(),
  dispose: async () => undefined,
});
