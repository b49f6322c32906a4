/** What keeps a snapshot, in `snapshot list` and `info`. Times are UTC milliseconds. */
import { type Static, Type } from "./schema/schema.ts";

export const keptFields = {
  holds: Type.Optional(
    Type.Array(
      Type.Object({
        owner: Type.String(),
        reason: Type.String(),
        sinceMs: Type.Integer(),
        untilMs: Type.Optional(Type.Integer({ description: "absent: until it is released" })),
      }),
      { description: "as recorded; one whose time is over keeps nothing" },
    ),
  ),
  lock: Type.Optional(
    Type.Object({
      untilMs: Type.Integer({ description: "by the cluster's clock" }),
      removal: Type.Optional(
        Type.Object(
          {
            operator: Type.String(),
            requestedMs: Type.Integer(),
            stated: Type.Optional(Type.Boolean({ description: "nothing vouched for the name" })),
          },
          { description: "asked for, not confirmed" },
        ),
      ),
    }),
  ),
  schedule: Type.Optional(Type.String({ description: "the schedule that made it" })),
};

const SnapshotKept = Type.Object(keptFields);
export type SnapshotKept = Static<typeof SnapshotKept>;
