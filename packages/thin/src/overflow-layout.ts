/** Overflow tree of a space map: block to reference count, for counts that two bits cannot hold. */
import type { ValueLayout } from "./btree.ts";

export const overflowLayout: ValueLayout = { name: "reference count overflow tree", size: 4 };
