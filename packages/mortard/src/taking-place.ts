/**
 * How a node takes its place in the cluster when its daemon starts: with its first turn it declares
 * itself, settles what was interrupted, and brings up what the state says.
 *
 * While there is no turn to be had, it brings up what it knew last, so that clients are served, and
 * tries again. Effects of other nodes are performed after the first turn only: before it, this node
 * does not know which turns are over.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Answer, CommandName, CommandPayload } from "@mortar/cluster";
import type { Log } from "./log.ts";

export interface TakingPlaceOptions {
  readonly run: <N extends "recover" | "bringUp" | "bringUpKnown">(
    name: N,
  ) => Promise<Answer<CommandPayload<N & CommandName>>>;
  readonly declare: () => Promise<Answer<unknown>>;
  /** The state is only what was known when the majority was there last. */
  readonly isLastKnown: () => boolean;
  /** Resolves when it is more than that; false: this daemon ends before. */
  readonly majority: () => Promise<boolean>;
  /** After the first turn. */
  readonly serve: () => void;
  /** After all is up: ends what should not run. */
  readonly settled: () => Promise<void>;
  readonly log: Log;
}

const RETRY_MS = 2_000;

/** Resolves when what can be brought up now is up. */
export async function takePlace(options: TakingPlaceOptions): Promise<void> {
  if (await isTaken(options)) return;
  const { run, log } = options;
  const answer = await run("bringUpKnown");
  log.warn({ answer }, "brought up from what was known last: the cluster's state is not reached");
  void retry(options);
}

async function retry(options: TakingPlaceOptions): Promise<void> {
  while (await options.majority()) {
    if (await isTaken(options)) return;
    await sleep(RETRY_MS, undefined, { ref: false });
  }
}

async function isTaken(options: TakingPlaceOptions): Promise<boolean> {
  try {
    return await attempt(options);
  } catch (error) {
    options.log.error({ err: error }, "this node does not take its place in the cluster yet");
    return false;
  }
}

/** False: this node has had no turn. */
async function attempt(options: TakingPlaceOptions): Promise<boolean> {
  const { run, declare, isLastKnown, serve, settled, log } = options;
  if (isLastKnown()) return false;
  const declared = await declare();
  if (!declared.ok) {
    log.error({ answer: declared }, "the state does not take this node's entry");
    // A node that was taken out hears so below.
    if (declared.code !== "node-unfit") return false;
  }
  const recovered = await run("recover");
  if (!recovered.ok || recovered.payload.pending.length > 0) {
    log.error({ answer: recovered }, "an interrupted command could not be settled yet");
  }
  serve();
  const answer = await run("bringUp");
  if (!answer.ok) log.error({ answer }, "not all that was started came up");
  else if (answer.details.length > 0) log.warn({ details: answer.details }, "came up with faults");
  await settled();
  return true;
}

