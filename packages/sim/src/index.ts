export { PowerCut, PowerSwitch } from "./power.ts";
export { Random } from "./random.ts";
export type { ConcurrentScenario, Scenario } from "./scenario.ts";
export { SETTLINGS } from "./sector-store.ts";
export type { Settling } from "./sector-store.ts";
export { DiskError, VirtualDisk } from "./virtual-disk.ts";
export type {
  BeforeChange, DiskErrorCode, DiskFault, DiskOperation, FaultPlan, PendingChange, SilentFault,
  ToldLie, VirtualDiskOptions,
} from "./virtual-disk.ts";
