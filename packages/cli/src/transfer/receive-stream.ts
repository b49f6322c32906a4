/**
 * Receives a snapshot: every frame is checked here, goes to the node of its brick, and is checked and
 * written there. What is on the disk is noted in the cluster now and then, so that a stream that is
 * cut off can go on; only a stream that came as a whole becomes a volume and a snapshot.
 */
import {
  FrameReader, type MortarClient, type ReceiveBegun, type ReceiveDone, type StreamHeader,
  StreamOrder, type StreamPlace, type TaskCount, type TransferClient, type TransferWrite,
} from "@mortar/api";
import { placeIn } from "./stream-progress.ts";
import { refusalOf, type StreamSource } from "./stream-place.ts";

const NOTE_EVERY_MS = 3_000;

export interface ReceiveOptions {
  readonly client: Pick<MortarClient, "receiveBegin" | "receiveProgress" | "receiveFinish">;
  readonly transfer: Pick<TransferClient, "write">;
  readonly volume: string;
  /** What the snapshot is called here. */
  readonly name: string | undefined;
  readonly vg: string | undefined;
  readonly force: boolean;
  /** What is on the disks of it. */
  readonly onProgress?: (count: TaskCount) => void;
}

export interface Received {
  readonly done: ReceiveDone;
  readonly warnings: readonly string[];
}

/** Throws `StreamError`, `TransferError` or `ApiError`. */
export async function receiveStream(options: ReceiveOptions, source: StreamSource): Promise<Received> {
  const reader = new FrameReader();
  const order = new StreamOrder();
  const run: { receive: Receive | undefined } = { receive: undefined };
  try {
    for await (const part of source) {
      for (const frame of reader.take(part)) {
        order.accept(frame);
        if (frame.type === "header") {
          run.receive = await Receive.begin(options, order.header!);
        } else if (frame.type !== "end") {
          await run.receive!.write(frame.brick, frame.bytes, frame.type === "brickEnd");
        }
      }
    }
    reader.finish();
    order.finish();
  } catch (error) {
    // What has come is good: it was checked before it was handed on.
    await run.receive?.interrupt();
    throw error;
  }
  return await run.receive!.finish();
}

class Receive {
  readonly #options: ReceiveOptions;
  readonly #header: StreamHeader;
  readonly #begun: ReceiveBegun;
  #input: BrickInput | undefined;

  private constructor(options: ReceiveOptions, header: StreamHeader, begun: ReceiveBegun) {
    this.#options = options;
    this.#header = header;
    this.#begun = begun;
  }

  static async begin(options: ReceiveOptions, header: StreamHeader): Promise<Receive> {
    const { client, volume, name, vg, force } = options;
    const answer = await client.receiveBegin({
      volume, header,
      ...(name === undefined ? {} : { name }),
      ...(vg === undefined ? {} : { vg }),
      ...(force ? { force } : {}),
    });
    if (!answer.ok) throw refusalOf(answer.problem);
    return new Receive(options, header, answer.result);
  }

  async write(brick: number, bytes: Uint8Array, isLast: boolean): Promise<void> {
    this.#input ??= this.#open(brick);
    await this.#input.write(bytes);
    if (!isLast) return;
    await this.#input.finish();
    this.#input = undefined;
  }

  /** What the writer has is put on the disk, and noted. */
  async interrupt(): Promise<void> {
    await this.#input?.finish().catch(() => undefined);
  }

  async finish(): Promise<Received> {
    const { client, volume } = this.#options;
    const answer = await client.receiveFinish(volume, { id: this.#begun.id });
    if (!answer.ok) throw refusalOf(answer.problem);
    const { result, warnings, details } = answer;
    return { done: result, warnings: [...warnings, ...details.map((it) => it.detail)] };
  }

  #open(brick: number): BrickInput {
    const { kind, sizeBytes } = this.#header.bricks[brick]!;
    const { node, vg, lv } = this.#begun.targets[brick]!;
    const place = this.#header.resume ?? { brick: 0, offset: 0 };
    const offset = place.brick === brick ? place.offset : 0;
    const { transfer, onProgress } = this.#options;
    const output = transfer.write({ node, vg, lv, kind, brick, offset, sizeBytes });
    return new BrickInput(output, {
      shown: (durable) => onProgress?.(placeIn(this.#header, { brick, offset: durable })),
      note: async (durable) => await this.#note({ brick, offset: durable }),
    });
  }

  async #note(place: StreamPlace): Promise<void> {
    const { client, volume } = this.#options;
    const answer = await client.receiveProgress(volume, { id: this.#begun.id, place });
    if (!answer.ok) throw refusalOf(answer.problem);
  }
}

interface Durable {
  /** Each time; at once. */
  readonly shown: (bytes: number) => void;
  /** Now and then. */
  readonly note: (bytes: number) => Promise<void>;
}

/** One brick's way to its node; what the node says is listened to meanwhile. */
class BrickInput {
  readonly #output: TransferWrite;
  readonly #done: Promise<void>;
  #failure: Error | undefined;

  constructor(output: TransferWrite, heard: Durable) {
    this.#output = output;
    this.#done = this.#listen(heard);
    this.#done.catch((error: Error) => (this.#failure = error));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#output.write(bytes);
    } catch (error) {
      // The node has said why, or will.
      await this.#done;
      throw error;
    }
  }

  async finish(): Promise<void> {
    this.#output.end();
    await this.#done;
  }

  async #listen({ shown, note }: Durable): Promise<void> {
    let notedMs = performance.now();
    let last: number | undefined;
    try {
      for await (const { durable, isDone } of this.#output.lines) {
        last = durable;
        shown(durable);
        if (!isDone && performance.now() - notedMs < NOTE_EVERY_MS) continue;
        await note(durable);
        last = undefined;
        notedMs = performance.now();
      }
    } finally {
      this.#output.end();
      if (last !== undefined) await note(last).catch(() => undefined);
    }
  }
}
