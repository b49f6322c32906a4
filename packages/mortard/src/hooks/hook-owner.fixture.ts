/** A process that makes something quiet, says so, and can be killed: `OPTIONS` are JSON. */
import { setTimeout as sleep } from "node:timers/promises";
import { SnapshotHooks, type SnapshotHooksOptions } from "./snapshot-hooks.ts";

const ignore = (): void => undefined;
const log = { debug: ignore, info: ignore, warn: ignore, error: ignore };
const options = JSON.parse(process.argv[2] ?? "") as Omit<SnapshotHooksOptions, "log">;
const hooks = new SnapshotHooks({ ...options, log });
await hooks.before({ snapshot: "s1", volumes: ["v", "w"] }, 30_000);
process.send?.("quiet");
await sleep(60_000);
