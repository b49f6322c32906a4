/** Where new metadata is written: never over what it is made from, nor over anything unasked. */
import { existsSync, ftruncateSync, mkdtempSync, openSync, closeSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileDevice } from "./file-device.ts";
import { UsageError } from "./pool-words.ts";

export interface TargetOptions {
  readonly path: string;
  /** Of a file that is to be made; undefined: it has to be there. */
  readonly sizeBytes: number | undefined;
  readonly force: boolean;
  /** Files and disks that must not be hit. */
  readonly forbidden: readonly FileDevice[];
}

const BLOCK_BYTES = 4096;

/** A file that was made is removed again when `use` fails. Throws `UsageError`. */
export function withTarget<T>(options: TargetOptions, use: (target: FileDevice) => T): T {
  const { path, sizeBytes } = options;
  const isNew = !existsSync(path);
  if (isNew) {
    if (sizeBytes === undefined) {
      throw new UsageError(`${path} is not there. Say how large it is to be with --size.`);
    }
    makeFile(path, sizeBytes);
  }
  try {
    return withDevice(options, use);
  } catch (error) {
    if (isNew) rmSync(path, { force: true });
    throw error;
  }
}

/** The same, into a file that is gone afterwards; what would be overwritten is looked at. */
export function withDryTarget<T>(options: TargetOptions, use: (target: FileDevice) => T): T {
  const { path, force, forbidden } = options;
  const sizeBytes = existsSync(path)
    ? withDevice({ path, sizeBytes: undefined, force, forbidden }, (it) => it.sizeBytes, "r")
    : options.sizeBytes;
  if (sizeBytes === undefined) {
    throw new UsageError(`${path} is not there. Say how large it is to be with --size.`);
  }
  const directory = mkdtempSync(join(tmpdir(), "mortar-dry-run-"));
  try {
    return withTarget({ path: join(directory, "metadata"), sizeBytes, force, forbidden: [] }, use);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function withDevice<T>(
  options: TargetOptions,
  use: (target: FileDevice) => T,
  access: "r" | "r+" = "r+",
): T {
  const { path, force, forbidden } = options;
  const target = new FileDevice(path, access);
  try {
    if (forbidden.some((file) => file.isSameAs(target))) {
      throw new UsageError(`${path} is what would be read: give another file or disk.`);
    }
    const first = new Uint8Array(Math.min(BLOCK_BYTES, target.sizeBytes));
    target.read(0, first);
    if (!force && first.some((byte) => byte !== 0)) {
      throw new UsageError(`${path} holds something; --force overwrites it.`);
    }
    return use(target);
  } finally {
    target.close();
  }
}

function makeFile(path: string, sizeBytes: number): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    ftruncateSync(fd, sizeBytes);
  } finally {
    closeSync(fd);
  }
}
