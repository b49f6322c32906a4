/** What the sender has to know to go on where the receiver was cut off: one word of text. */
import { type Static, Type } from "../schema/schema.ts";
import { conforms } from "../check.ts";
import { StreamPlace, StreamPoint } from "./stream-header.ts";

export const ResumeToken = Type.Object({
  snapshot: StreamPoint,
  base: Type.Optional(StreamPoint),
  place: StreamPlace,
});
export type ResumeToken = Static<typeof ResumeToken>;

const PREFIX = "mortar1-";

export function encodeToken(token: ResumeToken): string {
  return PREFIX + Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** Undefined: it is none. */
export function tokenOf(word: string): ResumeToken | undefined {
  if (!word.startsWith(PREFIX)) return undefined;
  try {
    const text = Buffer.from(word.slice(PREFIX.length), "base64url").toString("utf8");
    const token: unknown = JSON.parse(text);
    return conforms(ResumeToken, token) ? token : undefined;
  } catch {
    return undefined;
  }
}
