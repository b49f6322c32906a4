export * from "./cluster-store.ts";
export { type EtcdAddress, EtcdClient, type EtcdTls } from "./etcd-client.ts";
export { EtcdStore, type EtcdStoreOptions } from "./etcd-store.ts";
export { LastKnownStore } from "./last-known-store.ts";
export { LmdbStore } from "./lmdb-store.ts";
export { MemoryStore } from "./memory-store.ts";
export { type CopyMark, StateCopy } from "./state-copy.ts";
