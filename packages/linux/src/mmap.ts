import { bind, checked, viewMemory } from "./libc.ts";

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MAP_POPULATE = 0x8000;

/**
 * Memory outside the JavaScript heap. It is never unmapped: what is mapped here lives as long as
 * the process.
 */
export interface MappedMemory {
  /** Begins on a page boundary. */
  readonly bytes: Uint8Array;
  readonly address: number;
}

/** Page-aligned memory, resident from the start: using it later needs nothing from the kernel. */
export function allocatePages(lengthBytes: number): MappedMemory {
  return map("anonymous memory", lengthBytes, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
}

/**
 * A file as memory, shared: a store is seen by whoever maps or reads the file, and outlives this
 * process.
 */
export function mapFile(fd: number, lengthBytes: number, subject: string): MappedMemory {
  return map(subject, lengthBytes, MAP_SHARED | MAP_POPULATE, fd);
}

function map(subject: string, lengthBytes: number, flags: number, fd: number): MappedMemory {
  const mmap = bind(
    "int64_t mmap64(uintptr_t address, size_t length, int protection, int flags, int fd, " +
      "int64_t offset)",
  );
  const address = checked("mmap", subject, mmap(0, lengthBytes, PROT_READ_WRITE, flags, fd, 0));
  return { bytes: new Uint8Array(viewMemory(address, lengthBytes)), address };
}
