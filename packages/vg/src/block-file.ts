/** A block device or plain file as the lvm2 package wants it: synchronous, whole transfers, buffered by Linux. */
import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { blockDeviceSize } from "@mortar/linux";
import type { PvDevice } from "@mortar/lvm2";

export class BlockFile implements PvDevice {
  readonly name: string;
  readonly sizeBytes: number;
  readonly fd: number;

  private constructor(name: string, fd: number, sizeBytes: number) {
    this.name = name;
    this.fd = fd;
    this.sizeBytes = sizeBytes;
  }

  /** Throws the errno of open(2); ENXIO when there is no medium behind the device. */
  static open(path: string, access: "read" | "write" | "exclusive"): BlockFile {
    const flags =
      access === "read"
        ? constants.O_RDONLY
        : constants.O_RDWR | (access === "exclusive" ? constants.O_EXCL : 0);
    const fd = openSync(path, flags);
    try {
      const status = fstatSync(fd);
      const sizeBytes = status.isFile() ? status.size : blockDeviceSize(fd, path);
      return new BlockFile(path, fd, sizeBytes);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const count = readSync(this.fd, target, done, target.length - done, offset + done);
      if (count === 0) throw new Error(`${this.name}: ends before byte ${offset + target.length}`);
      done += count;
    }
  }

  write(offset: number, source: Uint8Array): void {
    for (let done = 0; done < source.length; ) {
      done += writeSync(this.fd, source, done, source.length - done, offset + done);
    }
  }

  flush(): void {
    fsyncSync(this.fd);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Open, use, close. */
export function withBlockFile<T>(
  path: string,
  access: "read" | "write" | "exclusive",
  work: (device: BlockFile) => T,
): T {
  const device = BlockFile.open(path, access);
  try {
    return work(device);
  } finally {
    device.close();
  }
}
