/** Our repair and Debian's thin_repair on the same damaged metadata, and what each of them saved. */
import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "@mortar/sim";
import { checkPool } from "./check-pool.ts";
import { FileDevice } from "./file-device.fixture.ts";
import { MemoryDevice } from "./memory-device.fixture.ts";
import { METADATA_BLOCK_BYTES } from "./metadata-block.ts";
import type { Damage } from "./repair-damage.fixture.ts";
import {
  anatomyOf, DATA_BLOCK_SECTORS, dumpOf, mappingsOf, PATIENT_BLOCKS,
} from "./repair-patients.fixture.ts";
import type { Mappings, Patient } from "./repair-patients.fixture.ts";
import { repairPool } from "./repair-pool.ts";
import type { Repair } from "./repair-pool.ts";

export interface Comparison {
  /** Undefined: refused. */
  readonly ours: Repair | undefined;
  readonly refusal: string;
  readonly stockSaved: boolean;
  /** Mappings of the last commit that each of them has. */
  readonly oursKept: number;
  readonly stockKept: number;
  readonly lastCount: number;
  /** That thin_repair kept and we did not. */
  readonly missed: number;
  /** That each has and the last commit had not. */
  readonly oursStale: number;
  readonly stockStale: number;
  /** What may never be; empty when all is well. */
  readonly faults: readonly string[];
}

/** Undefined when this pool cannot be damaged so. */
export function compareRepairs(
  patient: Patient, damage: Damage, random: Random, directory: string,
): Comparison | undefined {
  const bytes = patient.bytes.slice();
  const anatomy = anatomyOf(patient.bytes);
  if (!damage.apply({ bytes, anatomy, patient, random })) return undefined;
  const { dataSpaceMap, transactionId } = anatomy.superblock;
  const geometry = {
    transactionId, dataBlockCount: dataSpaceMap.blockCount, dataBlockSectors: DATA_BLOCK_SECTORS,
  };
  const faults: string[] = [];
  const before = Buffer.from(bytes).toString("latin1");
  const target = new MemoryDevice(new Uint8Array(PATIENT_BLOCKS * METADATA_BLOCK_BYTES));
  let ours: Repair | undefined;
  let refusal = "";
  try {
    ours = repairPool({ source: new MemoryDevice(bytes), target, fallback: geometry });
  } catch (error) {
    refusal = (error as Error).message;
  }
  if (Buffer.from(bytes).toString("latin1") !== before) faults.push("the source was changed");
  const saved = ours === undefined ? new Map() : mappingsOf(target);
  if (ours !== undefined) faults.push(...faultsOf(target, directory));
  const theirs = stockRepair(bytes, geometry, directory);
  const last = patient.commits.at(-1)!;
  const [inOurs, inTheirs] = [compare(saved, last), compare(theirs ?? new Map(), last)];
  faults.push(...honesty(ours, saved, inOurs, patient, damage));
  return {
    ours, refusal, stockSaved: theirs !== undefined, oursKept: inOurs.kept, stockKept: inTheirs.kept,
    lastCount: countOf(last), oursStale: inOurs.stale, stockStale: inTheirs.stale,
    missed: missedOf(theirs ?? new Map(), saved, last), faults,
  };
}

/** What the checkers say of our result. */
function faultsOf(target: MemoryDevice, directory: string): string[] {
  const path = join(directory, "ours");
  writeFileSync(path, target.bytes);
  const { status, stdout, stderr } = spawnSync("thin_check", [path], { encoding: "utf8" });
  const faults = checkPool(target).defects.map(({ message }) => `our check: ${message}`);
  if (status !== 0) faults.push(`thin_check: ${stdout}${stderr}`);
  const dump = spawnSync("thin_dump", [path], { encoding: "utf8", maxBuffer: 2 ** 28 });
  if (dump.stdout !== dumpOf(target)) faults.push("thin_dump sees something else than our dump");
  return faults;
}

/** Undefined when it refuses, or makes something that is not sound. */
function stockRepair(
  bytes: Uint8Array,
  geometry: { transactionId: number; dataBlockCount: number; dataBlockSectors: number },
  directory: string,
): Mappings | undefined {
  const [input, output] = [join(directory, "damaged"), join(directory, "theirs")];
  writeFileSync(input, bytes);
  if (existsSync(output)) rmSync(output);
  writeFileSync(output, new Uint8Array(bytes.length));
  const words = [
    "-i", input, "-o", output, "--transaction-id", `${geometry.transactionId}`,
    "--data-block-size", `${geometry.dataBlockSectors}`, "--nr-data-blocks", `${geometry.dataBlockCount}`,
  ];
  if (spawnSync("thin_repair", words, { timeout: 60_000 }).status !== 0) return undefined;
  const device = new FileDevice(output);
  try {
    return mappingsOf(device);
  } catch {
    return undefined;
  } finally {
    device.close();
  }
}

/** We may lose, but must say so, and must not bring back what is gone without saying that. */
function honesty(
  ours: Repair | undefined, saved: Mappings, found: { kept: number; stale: number },
  { commits }: Patient, damage: Damage,
): string[] {
  if (ours === undefined) return [];
  const isOlder = damage.losesSuperblock === true || ours.roots.from !== "superblock";
  const last = commits.at(-1)!;
  const isSilent = ours.lost.length === 0 && !ours.notes.some((note) => note.startsWith("devices from"));
  const faults: string[] = [];
  if (!isOlder && found.stale > 0) faults.push(`${found.stale} mappings that the last commit had not`);
  if (!isOlder && isSilent && found.kept < countOf(last)) faults.push("mappings are gone without a word");
  for (const [id, mappings] of saved) {
    // Said to be doubtful: blocks that older roots refer to may have been used again.
    if (ours.doubtful.includes(id)) continue;
    for (const [block, data] of mappings) {
      if (commits.some((commit) => commit.get(id)?.get(block) === data)) continue;
      faults.push(`device ${id}, block ${block} → ${data}: never committed`);
      break;
    }
  }
  return faults;
}

function compare(saved: Mappings, last: Mappings): { kept: number; stale: number } {
  let [kept, stale] = [0, 0];
  for (const [id, mappings] of saved) {
    const wanted = last.get(id);
    for (const [block, data] of mappings) {
      if (wanted?.get(block) === data) kept += 1;
      else stale += 1;
    }
  }
  return { kept, stale };
}

function missedOf(theirs: Mappings, ours: Mappings, last: Mappings): number {
  let missed = 0;
  for (const [id, mappings] of theirs) {
    for (const [block, data] of mappings) {
      if (last.get(id)?.get(block) === data && ours.get(id)?.get(block) !== data) missed += 1;
    }
  }
  return missed;
}

function countOf(mappings: Mappings): number {
  return [...mappings.values()].reduce((sum, device) => sum + device.size, 0);
}
