/**
 * One delivery: POST of an event as JSON, signed.
 *
 *     mortar-event:      the kind
 *     mortar-delivery:   NODEID.ID of the event: what comes twice has the same
 *     mortar-timestamp:  UTC seconds
 *     mortar-signature:  sha256=HEX, HMAC with the webhook's secret over TIMESTAMP "." BODY
 *
 * Redirects are not followed, and the answer is not read.
 */
import { createHmac } from "node:crypto";
import type { ClusterEvent, WebhookTried } from "@mortar/api";
import type { WebhookDocument } from "./webhooks.ts";

const ANSWER_MS_MAX = 10_000;

export function signatureOf(secret: string, timestamp: string, body: string): string {
  return `sha256=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

/** Never rejects. */
export async function deliver(
  { url, secret }: Pick<WebhookDocument, "url" | "secret">, event: ClusterEvent, nowMs: number,
): Promise<WebhookTried> {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(nowMs / 1000));
  try {
    const answer = await fetch(url, {
      method: "POST", body, redirect: "manual", signal: AbortSignal.timeout(ANSWER_MS_MAX),
      headers: {
        "content-type": "application/json",
        "user-agent": "mortar",
        "mortar-event": event.kind,
        "mortar-delivery": `${event.nodeId}.${event.id}`,
        "mortar-timestamp": timestamp,
        "mortar-signature": signatureOf(secret, timestamp, body),
      },
    });
    await answer.body?.cancel();
    const { status, ok } = answer;
    return ok ? { delivered: true, status } : { delivered: false, status, reason: `HTTP ${status}` };
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = cause instanceof Error && cause.message !== "" ? cause.message : message;
    return { delivered: false, reason };
  }
}
