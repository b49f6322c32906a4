/**
 * The same histories on two disks that carry both of the pool's devices in runs by turns, as LVs
 * over two PVs: a chunk lies on both, each has its own unflushed sectors, and power goes between
 * one's flush and the other's.
 */
import type { Scenario } from "@mortar/sim";
import { live } from "./pool.sim.ts";
import { interleave } from "./pool-layout.sim.ts";

const RUN_BYTES = [5 * 4096, 96 * 1024, 160 * 1024] as const;

export const scenario: Scenario = {
  name: "thin-stack",
  run: (random) => live(random, (metadataBytes, dataBytes) =>
    interleave(metadataBytes, dataBytes, random.pick(RUN_BYTES))),
};
