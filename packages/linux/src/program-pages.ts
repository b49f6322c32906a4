/**
 * The pages of programs and libraries that this process has mapped. Most of those that a start
 * touches are not needed again, but count as in use for as long as they are mapped; so the kernel
 * keeps them rather than what is.
 */
import { readFileSync } from "node:fs";
import { bind } from "./libc.ts";

const MADV_DONTNEED = 4;
/** 7f1b3b224000-7f1b3b37a000 r-xp 00026000 fe:00 339380   /usr/lib/… */
const HEAD = /^([0-9a-f]+)-([0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ [1-9]\d* +\//;

/**
 * Unmap them: those that are used come back from the page cache, without reading the disk while
 * they are there. Only pages that are the file's: one that was changed in memory (relocations) is
 * nowhere else. Call it when no other thread loads libraries.
 */
export function releaseProgramPages(): void {
  const advise = bind("int madvise(uintptr_t address, size_t length, int advice)");
  for (const mapping of mappings()) {
    const [, start, end] = HEAD.exec(mapping) ?? [];
    if (start === undefined || end === undefined) continue;
    if (!/^Anonymous: +0 kB$/m.test(mapping)) continue;
    const address = parseInt(start, 16);
    advise(address, parseInt(end, 16) - address, MADV_DONTNEED);
  }
}

/** None where the kernel does not tell. */
function mappings(): string[] {
  try {
    return readFileSync("/proc/self/smaps", "latin1").split(/\n(?=[0-9a-f]+-)/);
  } catch {
    return [];
  }
}
