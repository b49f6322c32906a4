/**
 * What every route answers.
 *
 * Success is `{ result, warnings, details }` with status 200. Failure is problem JSON (RFC 9457) with the
 * fields of GlusterFS beside it: `opErrno` and `opErrstr` are what the stock command line prints
 * and puts into its XML; `node`, `object` and `nextStep` say where, what, and what to do now.
 */
import { type Static, type TSchema, Type } from "./schema/schema.ts";

export const Detail = Type.Object(
  {
    node: Type.Optional(Type.String({ description: "host of the node it happened on" })),
    object: Type.Optional(Type.String({ description: "brick, volume, snapshot or LV" })),
    detail: Type.String(),
    nextStep: Type.Optional(Type.String()),
  },
  { $id: "Detail", description: "One of several things worth saying: where, what, what to do" },
);
export type Detail = Static<typeof Detail>;

export const Problem = Type.Object(
  {
    type: Type.String({ description: "stable code, for instance `volume-exists`" }),
    title: Type.String({ description: "the kind of problem, the same for every occurrence" }),
    status: Type.Integer({ minimum: 400, maximum: 599, description: "HTTP status" }),
    detail: Type.String({ description: "this occurrence, in one sentence" }),
    opErrno: Type.Integer({ description: "GlusterFS's number: an errno or 30800 and up" }),
    opErrstr: Type.String({ description: "the text that stock tools print after `failed: `" }),
    node: Type.Optional(Type.String()),
    object: Type.Optional(Type.String()),
    nextStep: Type.Optional(Type.String({ description: "what to type, or to look at, now" })),
    details: Type.Array(Detail),
    warnings: Type.Array(Type.String()),
  },
  { $id: "Problem", description: "Problem JSON (RFC 9457) with GlusterFS's numbers and texts" },
);
export type Problem = Static<typeof Problem>;

/** Schema of a successful body around the schema of its result. */
export function successOf<Result extends TSchema>(result: Result) {
  return Type.Object({
    result,
    warnings: Type.Array(Type.String()),
    details: Type.Array(Detail),
    next: Type.Optional(Type.String({ description: "`after` of the next page; absent: the last" })),
  });
}

/** What a client method returns: a refusal is a value, only a lost daemon is an exception. */
export type Answer<Result> =
  | {
      readonly ok: true;
      readonly result: Result;
      readonly warnings: readonly string[];
      readonly details: readonly Detail[];
      /** Where the next page begins. */
      readonly next?: string;
    }
  | { readonly ok: false; readonly problem: Problem };
