/** What a reply tells beside its results, for fops whose replies are encoded as a whole. */
import { XdrReader } from "@mortar/binary";
import { NO_DICTIONARY, typedDictionary } from "@mortar/gluster";
import type { TypedDictionary } from "@mortar/gluster";
import type { Brick } from "../brick.ts";
import type { Call } from "../wire/call.ts";
import { Out } from "../wire/out.ts";
import { answerLocks, answerXdata, TELLS } from "./reply-xdata.ts";

const aside = new Out(16_384);

/** The attributes that the dictionary at the cursor asks for; those at `stat` are known. */
export function toldAttributes(
  brick: Brick, call: Call, slot: number, stat: number,
): TypedDictionary {
  brick.xdata.begin(call);
  if (brick.xdata.count === 0) return NO_DICTIONARY;
  aside.at = 0;
  answerXdata(brick, call, aside, slot, stat, TELLS.extendedOnly);
  return decoded();
}

/** How many locks there are, if the dictionary at the cursor asks for that. */
export function toldLocks(brick: Brick, call: Call, slot: number): TypedDictionary {
  brick.xdata.begin(call);
  aside.at = 0;
  answerLocks(brick, call, aside, slot);
  return decoded();
}

function decoded(): TypedDictionary {
  return typedDictionary.read(new XdrReader(aside.bytes.slice(0, aside.at)));
}
