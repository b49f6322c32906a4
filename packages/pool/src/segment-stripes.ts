/**
 * A striped segment lies on several devices by turns, as device-mapper's striped target has it:
 *
 *     unit      0         1         2         3         4          (stripeBytes each)
 *     device    A         B         A         B         A
 *     row       0         0         1         1         2
 *
 * so unit u is row floor(u / n) of stripe u mod n, and each stripe is one run of its device. The
 * length is a whole number of rows.
 */
import type { SegmentSpec, StripePlace } from "./spec.ts";

/** Where each stripe begins; one place for a linear segment. */
export function stripesOf({ device, deviceOffsetBytes, striped }: SegmentSpec): StripePlace[] {
  return [{ device, deviceOffsetBytes }, ...(striped?.more ?? [])];
}

/** What each stripe takes of its device. */
export function stripeLengthOf({ lengthBytes, striped }: SegmentSpec): number {
  return striped === undefined ? lengthBytes : lengthBytes / (striped.more.length + 1);
}

/**
 * The same bytes as linear segments only, a striped one cut into its units. For what is small
 * beside its stripes: a pool's metadata of 16 GiB makes 262,144 of 64 KiB.
 */
export function flattened(segments: readonly SegmentSpec[]): SegmentSpec[] {
  return segments.flatMap((segment) => {
    const { striped, lengthBytes } = segment;
    if (striped === undefined) return [segment];
    const { stripeBytes } = striped;
    const stripes = stripesOf(segment);
    return Array.from({ length: lengthBytes / stripeBytes }, (_, unit) => {
      const { device, deviceOffsetBytes } = stripes[unit % stripes.length]!;
      const row = Math.floor(unit / stripes.length);
      return {
        device,
        deviceOffsetBytes: deviceOffsetBytes + row * stripeBytes,
        lengthBytes: stripeBytes,
      };
    });
  });
}
