/** LVM's warnings of a pool that promises more than it has, where LVM prints them. */
import { overprovisioningWarnings, type VolumeGroup } from "@mortar/vg";
import type { Session } from "./session.ts";

/** The figures go to standard error, the advice to standard output. */
export async function warnOfPromises(
  session: Session,
  vg: VolumeGroup,
  pool: string,
): Promise<void> {
  const { extendsPools } = await session.groups();
  const [figures, ...advice] = overprovisioningWarnings(vg, pool, extendsPools);
  if (figures !== undefined) session.warn(figures);
  for (const line of advice) session.say(line);
}
