/**
 * Sends a snapshot: the header, what the nodes of its bricks read, one brick after the other, and the
 * end. The frames are checked on their way, and counted. At the end the snapshot is asked about again:
 * had it been activated meanwhile, what was read could be of two moments, and the end is not sent.
 */
import {
  BrickOrder, type Frame, FrameReader, type MortarClient, type ResumeToken, type SendPlan,
  type StreamHeader, StreamWriter, type TaskCount, type TransferClient,
} from "@mortar/api";
import { placeIn } from "./stream-progress.ts";
import { refusalOf, type StreamSink, TransferError } from "./stream-place.ts";

export interface SendOptions {
  readonly client: Pick<MortarClient, "snapshotSend">;
  readonly transfer: Pick<TransferClient, "read">;
  /** Names or uuids. */
  readonly snapshot: string;
  readonly from: string | undefined;
  readonly volume: string | undefined;
  readonly resume: ResumeToken | undefined;
  /** Of the compression: 0 for none, to 9. */
  readonly level: number;
  /** How far it is through the bricks; what is not sent of them counts too. */
  readonly onProgress?: (count: TaskCount) => void;
}

/** What goes out; the daemon's refusals are thrown as `TransferError`. */
export async function planSend(options: SendOptions): Promise<SendPlan> {
  const { client, snapshot, from, volume, resume } = options;
  const answer = await client.snapshotSend({
    snapshot,
    ...(from === undefined ? {} : { from }),
    ...(volume === undefined ? {} : { volume }),
  });
  if (!answer.ok) throw refusalOf(answer.problem);
  const plan = answer.result;
  if (resume !== undefined) refuseOther(plan.header, resume);
  return plan;
}

/** What came until now is of the snapshot as it was. */
function refuseOther({ snapshot, base }: StreamHeader, token: ResumeToken): void {
  const isSame = snapshot.id === token.snapshot.id && snapshot.state === token.snapshot.state &&
    base?.id === token.base?.id;
  if (isSame) return;
  throw new TransferError(
    `The token is of snapshot ${token.snapshot.name} as it was before it was activated again, ` +
      "or of another one",
    "Give up what has come, and send it from its beginning: mortar snapshot receive --abandon VOLUME",
  );
}

export async function sendStream(
  options: SendOptions, plan: SendPlan, sink: Pick<StreamSink, "write">,
): Promise<void> {
  const { resume } = options;
  const writer = new StreamWriter();
  // The base may have been activated meanwhile; the receiver knows the stream by what it began with.
  const base = resume?.base === undefined ? {} : { base: resume.base };
  const header: StreamHeader = {
    ...plan.header, ...base, ...(resume === undefined ? {} : { resume: resume.place }),
  };
  await sink.write(writer.begin(header));
  const { brick: first, offset } = header.resume ?? { brick: 0, offset: 0 };
  for (let brick = first; brick < header.bricks.length; brick++) {
    const from = brick === first ? offset : 0;
    await sendBrick(options, plan, { brick, offset: from }, async (frame) => {
      writer.count(frame);
      await sink.write(frame.bytes);
      options.onProgress?.(placeIn(header, { brick, offset: frame.offset + frame.length }));
    });
  }
  const { header: now } = await planSend(options);
  if (now.snapshot.state !== header.snapshot.state) {
    throw new TransferError(`Snapshot ${now.snapshot.name} was activated while it was sent`,
      "Deactivate it, and send it again from its beginning.");
  }
  await sink.write(writer.end());
}

async function sendBrick(
  { transfer, level }: SendOptions,
  { header, sources }: SendPlan,
  { brick, offset }: { readonly brick: number; readonly offset: number },
  send: (frame: Frame) => Promise<void>,
): Promise<void> {
  const sent = header.bricks[brick]!;
  const { node, host, vg, pool, lv, baseLv, bookmark } = sources[brick]!;
  const incoming = await transfer.read({
    node, vg, pool, lv, brick, offset, sizeBytes: sent.sizeBytes, level,
    ...(baseLv === undefined ? {} : { baseLv }),
    ...(bookmark === undefined ? {} : { bookmark }),
  });
  const reader = new FrameReader({ preamble: false });
  const order = new BrickOrder(sent, brick, offset);
  try {
    for await (const part of incoming) {
      for (const frame of reader.take(part as Buffer)) {
        const isLast = order.accept(frame);
        await send(frame);
        if (isLast) return;
      }
    }
  } catch (cause) {
    if ((cause as { code?: string }).code === "EPIPE") throw cause;
    throw cutOff(host, `${vg}/${lv}`, cause);
  }
  throw cutOff(host, `${vg}/${lv}`, undefined);
}

function cutOff(host: string, lv: string, cause: unknown): TransferError {
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  return new TransferError(`${host} could not read ${lv} to its end${reason}`,
    `The log of mortard on ${host} says why; then go on with the receiver's token.`, { cause });
}
