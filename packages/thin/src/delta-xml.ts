/** The difference of two devices in the very words of thin_delta. */
import { deltaDevices } from "./delta-devices.ts";
import type { DeltaKind, DeltaOptions, DeltaRun } from "./delta-devices.ts";
import { PoolReader } from "./pool-reader.ts";

export interface DeltaXmlOptions extends DeltaOptions {
  /** Takes the text piece by piece. */
  readonly write: (text: string) => void;
  /** With data blocks. */
  readonly verbose?: boolean | undefined;
}

/** Throws what `deltaDevices` throws, before anything is written when a device is missing. */
export function deltaXml(options: DeltaXmlOptions): void {
  const { write, left, right, verbose = false } = options;
  const pool = new PoolReader(options);
  for (const id of [left, right]) pool.device(id);
  const { superblock } = pool;
  write(
    `<superblock uuid="" time="${superblock.time}" transaction="${superblock.transactionId}" ` +
      `data_block_size="${superblock.dataBlockSectors}" ` +
      `nr_data_blocks="${superblock.dataSpaceMap.blockCount}">\n` +
      `  <diff left="${left}" right="${right}">\n`,
  );
  (verbose ? writeVerbose : writeBrief)(options);
  write("  </diff>\n</superblock>\n");
}

function writeBrief({ write, ...options }: DeltaXmlOptions): void {
  let kind: DeltaKind | undefined;
  let begin = 0;
  let end = 0;
  const finish = (): void => {
    if (kind) write(`    <${kind} begin="${begin}" length="${end - begin}"/>\n`);
  };
  deltaDevices(options, (run) => {
    if (run.kind !== kind || run.begin !== end) {
      finish();
      kind = run.kind;
      begin = run.begin;
    }
    end = run.begin + run.length;
  });
  finish();
}

function writeVerbose({ write, ...options }: DeltaXmlOptions): void {
  let kind: DeltaKind | undefined;
  deltaDevices(options, (run) => {
    if (run.kind !== kind) {
      if (kind) write(`    </${kind}>\n`);
      ({ kind } = run);
      write(`    <${kind}>\n`);
    }
    write(`      <range begin="${run.begin}" ${dataOf(run)} length="${run.length}"/>\n`);
  });
  if (kind) write(`    </${kind}>\n`);
}

function dataOf({ kind, leftData, rightData }: DeltaRun): string {
  if (kind === "different") {
    return `left_data_begin="${leftData}" right_data_begin="${rightData}"`;
  }
  return `data_begin="${kind === "right_only" ? rightData : leftData}"`;
}
