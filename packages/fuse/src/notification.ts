/** Messages that nobody asked for: from the server to the kernel. */
import { PAGE_BYTES, REPLY_POSITION } from "./channel.ts";
import type { FuseChannel } from "./channel.ts";
import { Notify, outHeader, retrieveOut, WAKE_NODE } from "./layouts.ts";
import { viewOf } from "./view.ts";

type Outgoing = Pick<FuseChannel, "reply" | "send">;

/**
 * Wake the thread that waits for a request, from another one: the kernel answers this notification
 * by queueing a NOTIFY_REPLY, for which nobody waits. It asks for no data of WAKE_NAME, and costs
 * the data path nothing, unlike a poll(2) before each read(2). 0, or the errno: ENOENT while nobody
 * has WAKE_NAME open.
 */
export function wake(channel: Outgoing): number {
  const view = viewOf(channel.reply);
  retrieveOut.encode(view, PAGE_BYTES, {
    notifyUnique: 0,
    node: WAKE_NODE,
    offset: 0,
    size: 0,
    padding: 0,
  });
  return sendNotification(channel, Notify.retrieve, retrieveOut.size);
}

/** Ask for the requests that were taken and not answered. 0, or the errno. */
export function askToResend(channel: Outgoing): number {
  return sendNotification(channel, Notify.resend, 0);
}

function sendNotification(channel: Outgoing, code: number, bodyBytes: number): number {
  const length = outHeader.size + bodyBytes;
  outHeader.encode(viewOf(channel.reply), REPLY_POSITION, {
    length,
    error: code,
    uniqueLow: 0,
    uniqueHigh: 0,
  });
  return Math.max(0, -channel.send(REPLY_POSITION, length));
}
