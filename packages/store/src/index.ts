export * from "./cluster-store.ts";
export { type EtcdAddress, EtcdClient } from "./etcd-client.ts";
export { EtcdStore, type EtcdStoreOptions } from "./etcd-store.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { MemoryStore } from "./memory-store.ts";
