/** How far a stream is: places on the bricks, one brick after the other. */
import type { StreamHeader, StreamPlace, TaskCount } from "@mortar/api";

export function placeIn({ bricks }: Pick<StreamHeader, "bricks">, { brick, offset }: StreamPlace): TaskCount {
  const before = bricks.slice(0, brick).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const total = bricks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { done: Math.min(total, before + offset), total, unit: "bytes", note: `brick ${brick + 1} of ${bricks.length}` };
}
