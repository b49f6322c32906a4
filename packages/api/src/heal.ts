/** Schemas of what has to be healed, in the words of `volume heal`. */
import { type Static, Type } from "./schema/schema.ts";

const closed = { additionalProperties: false };
const ref = { name: Type.String(), id: Type.String() };
const brick = { host: Type.String(), path: Type.String() };

export const HealQuery = Type.Object(
  {
    view: Type.Optional(
      Type.Union([Type.Literal("info"), Type.Literal("summary"), Type.Literal("split-brain")], {
        description: "what is listed: everything, nothing but counts, split-brains. Default: info",
      }),
    ),
    tool: Type.Optional(
      Type.Union([Type.Literal("text"), Type.Literal("xml")], {
        description: "what GlusterFS's own glfsheal prints, where this node has it",
      }),
    ),
  },
  closed,
);
export type HealQuery = Static<typeof HealQuery>;

export const HealTool = Type.Object({
  exitCode: Type.Integer(),
  output: Type.String({ description: "as it was printed" }),
});

export const HealBrick = Type.Object({
  ...brick,
  hostUuid: Type.String(),
  online: Type.Boolean({ description: "false: nothing is known of it" }),
  pending: Type.Integer({ description: "objects that are behind, here or on a sibling" }),
  splitBrain: Type.Integer({ description: "objects of which no copy is the right one" }),
  healing: Type.Integer({ description: "objects that are being changed or healed" }),
  entries: Type.Array(
    Type.Object({
      gfid: Type.String(),
      path: Type.Optional(Type.String({ description: "absent: this brick cannot tell" })),
      state: Type.Union([
        Type.Literal("pending"), Type.Literal("split-brain"), Type.Literal("healing"),
      ]),
    }),
  ),
});
export type HealBrick = Static<typeof HealBrick>;

export const HealReport = Type.Object({
  ...ref,
  tool: Type.Optional(HealTool),
  bricks: Type.Array(HealBrick, { description: "none beside an answer of the tool" }),
});
export type HealReport = Static<typeof HealReport>;

export const HealCrawl = Type.Object({
  type: Type.String({ description: "`INDEX`, `FULL`" }),
  startedAt: Type.String({ description: "as the daemon prints it, in its time zone" }),
  endedAt: Type.Optional(Type.String({ description: "absent: it is under way" })),
  healed: Type.Integer(),
  splitBrain: Type.Integer(),
  failed: Type.Integer(),
});
export type HealCrawl = Static<typeof HealCrawl>;

export const HealStatistics = Type.Object({
  ...ref,
  bricks: Type.Array(
    Type.Object({
      ...brick,
      crawls: Type.Optional(
        Type.Array(HealCrawl, { description: "absent: its node's daemon does not answer" }),
      ),
    }),
  ),
});
export type HealStatistics = Static<typeof HealStatistics>;

export const HealCounts = Type.Object({
  ...ref,
  bricks: Type.Array(
    Type.Object({
      ...brick,
      count: Type.Optional(Type.Integer({ description: "absent: not known, or not asked for" })),
    }),
  ),
});
export type HealCounts = Static<typeof HealCounts>;

export const SplitBrainBody = Type.Object(
  {
    policy: Type.Union([
      Type.Literal("bigger-file"), Type.Literal("latest-mtime"), Type.Literal("source-brick"),
    ]),
    file: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: "/path, or gfid:UUID" }),
    ),
    brick: Type.Optional(
      Type.String({ minLength: 1, maxLength: 4096, description: "of source-brick: HOST:/path" }),
    ),
  },
  closed,
);
export type SplitBrainBody = Static<typeof SplitBrainBody>;

export const SplitBrainEnded = Type.Object({ ...ref, ...HealTool.properties });
export type SplitBrainEnded = Static<typeof SplitBrainEnded>;

export const HealSwitchBody = Type.Object(
  {
    what: Type.Union([Type.Literal("daemon"), Type.Literal("granular-entries")]),
    enable: Type.Boolean(),
  },
  closed,
);
export type HealSwitchBody = Static<typeof HealSwitchBody>;
