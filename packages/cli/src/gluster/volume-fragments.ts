/**
 * Bricks of a disperse set: how many of them hold data and how many redundancy, as `volume create`
 * reckons it from what is said and from how many bricks there are, asking where stock asks.
 *
 * A set is read and written in stripes over its data bricks: a power of two of them makes stripes
 * that writes of usual sizes fill. That is what "optimal" means.
 */
import type { VolumeCreateBody } from "@mortar/api";
import { type Session, UsageError } from "./command.ts";

export interface Fragments {
  readonly disperse: number;
  readonly redundancy: number;
}

type Said = Pick<VolumeCreateBody, "bricks" | "disperse" | "disperseData" | "redundancy">;

/**
 * The counts, complete, of a disperse volume; nothing of another one. Throws `UsageError` for what
 * does not go together, and when a question is answered with no.
 */
export async function confirmedFragments(
  session: Session,
  said: Said,
): Promise<Partial<Fragments>> {
  const { bricks, disperse, disperseData, redundancy } = said;
  const isDisperse = [disperse, disperseData, redundancy].some((it) => it !== undefined);
  if (!isDisperse) return {};
  const sizes = disperseData === undefined
    ? { disperse, redundancy }
    : await withData(session, said, disperseData);
  if (disperseData === undefined && (disperse ?? bricks.length) < 3) {
    throw new UsageError("number of bricks must be greater than 2");
  }
  const size = sizes.disperse ?? bricks.length;
  const parity = sizes.redundancy ?? (await optimal(session, size));
  if (parity < 1 || parity > Math.floor((size - 1) / 2)) {
    throw new UsageError(
      "redundancy must be greater than or equal to 1 and less than " +
        `${Math.ceil(size / 2)} for a disperse ${size} volume`,
    );
  }
  if (sizes.redundancy !== undefined && !isPowerOfTwo(size - parity)) {
    await agree(session, "This configuration is not optimal on most workloads. " +
      "Do you want to use it ?");
  }
  if (bricks.length % size !== 0) {
    throw new UsageError("number of bricks is not a multiple of disperse count");
  }
  return { disperse: size, redundancy: parity };
}

type Sizes = { readonly [K in keyof Fragments]?: Fragments[K] | undefined };

async function withData(
  session: Session,
  { bricks, disperse, redundancy }: Said,
  data: number,
): Promise<Sizes> {
  if (disperse !== undefined && redundancy !== undefined && disperse !== data + redundancy) {
    throw new UsageError(
      `Disperse count(${disperse}) should be equal to sum of disperse-data count(${data}) and ` +
        `redundancy count(${redundancy})`,
    );
  }
  if (redundancy !== undefined) return { disperse: data + redundancy, redundancy };
  if (disperse !== undefined) return { disperse, redundancy: disperse - data };
  const rest = bricks.length - data;
  if (rest >= data) {
    throw new UsageError("Please provide redundancy count along with disperse-data count");
  }
  await agree(session, `Redundancy for this configuration is ${rest}. ` +
    "Do you want to create the volume with this value ?");
  return { disperse: bricks.length, redundancy: rest };
}

/** The least redundancy, of those that a set may have, that leaves a power of two for data. */
async function optimal(session: Session, size: number): Promise<number> {
  for (let redundancy = 1; 2 * redundancy < size; redundancy++) {
    if (!isPowerOfTwo(size - redundancy)) continue;
    if (redundancy > 1) {
      await agree(session, `The optimal redundancy for this configuration is ${redundancy}. ` +
        "Do you want to create the volume with this value ?");
    }
    return redundancy;
  }
  await agree(session, "There isn't an optimal redundancy value for this configuration. " +
    "Do you want to create the volume with redundancy 1 ?");
  return 1;
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && (value & -value) === value;
}

async function agree(session: Session, question: string): Promise<void> {
  if ((await session.confirm(question)) !== "yes") throw new UsageError();
}
