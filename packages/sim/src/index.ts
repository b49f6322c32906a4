export { PowerCut, PowerSwitch } from "./power.ts";
export { Random } from "./random.ts";
export type { Scenario } from "./scenario.ts";
export { DiskError, VirtualDisk } from "./virtual-disk.ts";
export type { DiskFault, DiskOperation, FaultPlan, VirtualDiskOptions } from "./virtual-disk.ts";
