/** `snapshot send` and `receive`: the words of the command line. */
import { once } from "node:events";
import { join } from "node:path";
import { Writable } from "node:stream";
import { encodeToken, type MortarClient, type ReceiveState, TransferClient, tokenOf } from "@mortar/api";
import type { Output } from "../io.ts";
import { ProgressLine } from "../progress-line.ts";
import { problemJson } from "../told-as-json.ts";
import type { PartStore } from "../transfer/directory-place.ts";
import type { StreamSink, StreamSource } from "../transfer/stream-place.ts";
import { element } from "../xml.ts";
import { json, present } from "./answer.ts";
import { bookmarkCommand } from "./bookmark-command.ts";
import { type ClientMethod, type GlusterCommand, type Session, UsageError } from "./command.ts";
import { wordOptions } from "./word-options.ts";

export const transferCommands: readonly GlusterCommand[] = [
  {
    words: ["snapshot", "send"],
    usage:
      "snapshot send [-i <snapname>] [--of VOLUME] [--resume TOKEN] [--compress N] " +
      "[--to PLACE [--endpoint URL]] <snapname>",
    help: "Write a snapshot as a stream, or what changed since an earlier one.",
    more:
      "The stream goes to standard output, or with --to into a directory or s3://BUCKET/PREFIX.\n" +
      "-i SNAPSHOT     only what differs from this one, or from the one that a bookmark is of;\n" +
      "                the receiver has it\n" +
      "--of VOLUME     of a snapshot of several volumes\n" +
      "--resume TOKEN  go on where a receiver was cut off: snapshot receive --token VOLUME\n" +
      "--compress N    0 for none, to 9; 1 unless told\n" +
      "The snapshot must not be activated while it is sent. Keys of a store are taken from\n" +
      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its place from --endpoint or AWS_ENDPOINT_URL.\n" +
      "    mortar snapshot send monday | ssh backup mortar snapshot receive home\n" +
      "    mortar snapshot send -i monday tuesday | ssh backup mortar snapshot receive home",
    family: "mortar",
    run: send,
  },
  {
    words: ["snapshot", "receive"],
    usage:
      "snapshot receive [--as NAME] [--vg VG] [--force] [--from PLACE [--endpoint URL]] <volname>\n" +
      "       snapshot receive --token|--abandon <volname>",
    help: "Make a volume, or the next state of one, of a stream; keep a snapshot of it.",
    more:
      "The stream comes from standard input. With --from it comes from a directory or from\n" +
      "s3://BUCKET/PREFIX, and all that continue what the volume has are received.\n" +
      "--as NAME  what the snapshot is called here; as there unless told\n" +
      "--vg VG    volume group of the bricks' thin volumes; the one with the most room unless told\n" +
      "--force    although the volume was started since, and loses what was written into it;\n" +
      "           although bricks of one set would be on one node\n" +
      "--token    print the word with which the sender goes on after an interruption\n" +
      "--abandon  remove what has come of an interrupted one\n" +
      "    mortar snapshot send --resume $(ssh backup mortar snapshot receive --token home) |\n" +
      "        ssh backup mortar snapshot receive home",
    family: "mortar",
    run: receive,
  },
  bookmarkCommand,
];

/** Logical volumes of many bricks are made in one call. */
const CALL_MS_MAX = 900_000;

type Client = Pick<MortarClient, ClientMethod>;

function transferOf({ root }: Session): TransferClient {
  return new TransferClient(join(root, "run/mortar/mortard.sock"));
}

async function send(session: Session, args: readonly string[]): Promise<number> {
  const { words, options } = wordOptions(args, ["of", "resume", "compress", "to", "endpoint"]);
  const at = words.indexOf("-i");
  const from = at < 0 ? undefined : words[at + 1];
  const rest = at < 0 ? words : words.filter((_, index) => index !== at && index !== at + 1);
  const token = options.get("resume");
  const resume = token === undefined ? undefined : tokenOf(token);
  if (token !== undefined && resume === undefined) throw new UsageError("That is no token.");
  const snapshot = rest[0] ?? resume?.snapshot.id;
  const isWhole = snapshot !== undefined && rest.length <= 1 && (at < 0 || from !== undefined);
  if (!isWhole) throw new UsageError();
  const to = options.get("to");
  if (to !== undefined && resume !== undefined) throw new UsageError("With --to nothing is resumed.");
  const { planSend, sendStream } = await import("../transfer/send-stream.ts");
  // Standard output may be the stream.
  const answers = to === undefined ? session.io.stderr : session.io.stdout;
  const line = new ProgressLine("snapshot send", session.io.stderr);
  return await told(session, { answers, line }, async () => {
    const asked = {
      client: await session.client(CALL_MS_MAX), transfer: transferOf(session), snapshot, resume,
      from: from ?? resume?.base?.id, volume: options.get("of"), level: levelOf(options.get("compress")),
      onProgress: line.tell.bind(line),
    };
    const plan = await planSend(asked);
    const sink = to === undefined
      ? standardOutput(session)
      : new (await import("../transfer/directory-place.ts")).PartSink(
          await storeOf(to, options.get("endpoint")), plan.header,
        );
    await sendStream(asked, plan, sink);
    await sink.finish();
    if (session.format === "json") {
      const { snapshot: sent, base } = plan.header;
      line.end();
      answers.write(json({ result: { snapshot: sent.name, ...(base === undefined ? {} : { base: base.name }) }, warnings: [], details: [] }));
    }
    return 0;
  });
}

function levelOf(word: string | undefined): number {
  if (word === undefined) return 1;
  if (/^[0-9]$/.test(word)) return Number(word);
  throw new UsageError("--compress takes a digit.");
}

const FLAGS = ["--force", "--token", "--abandon"];

async function receive(session: Session, args: readonly string[]): Promise<number> {
  const flags = args.filter((it) => FLAGS.includes(it));
  const { words, options } = wordOptions(
    args.filter((it) => !FLAGS.includes(it)), ["as", "vg", "from", "endpoint"],
  );
  const [volume, ...more] = words;
  if (volume === undefined || more.length > 0) throw new UsageError();
  const client = await session.client(CALL_MS_MAX);
  if (flags.includes("--token")) return await printToken(session, client, volume);
  if (flags.includes("--abandon")) {
    return present(session, await client.receiveAbandon(volume), {
      text: () => `snapshot receive: ${volume}: what had come is removed\n`,
      xml: (it) => [element("volume", it.volume)],
      failed: "snapshot receive: failed: ",
    });
  }
  const from = options.get("from");
  const line = new ProgressLine(`snapshot receive: ${volume}`, session.io.stderr);
  const asked = {
    client, transfer: transferOf(session), volume, name: options.get("as"), vg: options.get("vg"),
    force: flags.includes("--force"), line, onProgress: line.tell.bind(line),
  };
  return await told(session, { answers: session.io.stdout, line }, async () => {
    if (from !== undefined) {
      return await receiveKept(session, asked, await storeOf(from, options.get("endpoint")));
    }
    if (session.io.stdin.isTTY === true) throw new UsageError("The stream comes from standard input.");
    return await receiveOne(session, asked, session.io.stdin as StreamSource);
  });
}

type Asked = Parameters<typeof import("../transfer/receive-stream.ts").receiveStream>[0] & {
  readonly client: Client;
  readonly line: ProgressLine;
};

async function receiveOne(session: Session, asked: Asked, source: StreamSource): Promise<number> {
  const { receiveStream } = await import("../transfer/receive-stream.ts");
  try {
    const { done, warnings } = await receiveStream(asked, source);
    asked.line.end();
    if (session.format === "json") {
      session.io.stdout.write(json({ result: done, warnings, details: [] }));
      return 0;
    }
    for (const warning of warnings) session.io.stderr.write(`Warning: ${warning}\n`);
    session.io.stdout.write(`snapshot receive: ${done.volume}: has snapshot ${done.snapshot}\n`);
    return 0;
  } catch (error) {
    asked.line.end();
    const state = await stateOf(asked.client, asked.volume).catch(() => undefined);
    if (state?.incoming !== undefined) {
      session.io.stderr.write(
        `What has come of snapshot ${state.incoming.snapshot.name} is kept. To go on:\n` +
          `    mortar snapshot send --resume ${tokenWord(state.incoming)} | ` +
          `mortar snapshot receive ${asked.volume}\n`,
      );
    }
    throw error;
  }
}

/** As many as continue each other. */
async function receiveKept(session: Session, asked: Asked, store: PartStore): Promise<number> {
  const { keptStreams, nextStream, readParts } = await import("../transfer/directory-place.ts");
  const { TransferError } = await import("../transfer/stream-place.ts");
  const streams = await keptStreams(store);
  for (let count = 0; ; count += 1) {
    const state = await stateOf(asked.client, asked.volume);
    const next = nextStream(streams, state?.held?.id);
    if (next !== undefined) await receiveOne(session, asked, readParts(store, next));
    else if (count > 0) return 0;
    else {
      const held = state?.held === undefined ? "" : ` that continues ${state.held.name}`;
      throw new TransferError(`${store.name} has no stream${held}`);
    }
  }
}

async function stateOf(client: Client, volume: string): Promise<ReceiveState | undefined> {
  const answer = await client.receiveList({ volume });
  return answer.ok ? answer.result[0] : undefined;
}

function tokenWord({ snapshot, base, place }: NonNullable<ReceiveState["incoming"]>): string {
  return encodeToken({ snapshot, place, ...(base === undefined ? {} : { base }) });
}

async function printToken(session: Session, client: Client, volume: string): Promise<number> {
  const state = await stateOf(client, volume);
  if (state?.incoming === undefined) {
    const detail = `Nothing is being received into volume ${volume}`;
    if (session.format === "json") session.io.stdout.write(problemJson({ type: "nothing-received", detail }));
    else session.io.stderr.write(`snapshot receive: failed: ${detail}\n`);
    return 1;
  }
  const token = tokenWord(state.incoming);
  session.io.stdout.write(
    session.format === "json" ? json({ result: { volume, token }, warnings: [], details: [] }) : `${token}\n`,
  );
  return 0;
}

async function storeOf(place: string, endpoint: string | undefined): Promise<PartStore> {
  if (place.startsWith("s3://")) {
    const { S3Store } = await import("../transfer/s3-store.ts");
    return new S3Store({ url: place, endpoint, environment: process.env });
  }
  const { DirectoryStore } = await import("../transfer/directory-store.ts");
  return new DirectoryStore(place);
}

function standardOutput({ io }: Session): StreamSink {
  const { stdout } = io;
  if (!(stdout instanceof Writable)) throw new UsageError("There is no standard output.");
  if ((stdout as { isTTY?: boolean }).isTTY === true) {
    throw new UsageError("A terminal cannot take the stream: use a pipe, or --to PLACE.");
  }
  return {
    async write(bytes) {
      if (!stdout.write(bytes)) await once(stdout, "drain");
    },
    finish: async () => await new Promise((resolve) => void stdout.write("", () => resolve())),
  };
}

const operating = new Set(["TransferError", "StreamError", "ApiError"]);

interface Told {
  /** Where JSON goes. */
  readonly answers: Output;
  readonly line: ProgressLine;
}

/** Sentences go to standard error: standard output may be the stream. */
async function told({ io, format }: Session, { answers, line }: Told, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const { name, message, nextStep, code } = error as Error & { nextStep?: string; code?: string };
    const isSystem = code !== undefined && /^E[A-Z]+$/.test(code);
    if (!operating.has(name) && !isSystem) throw error;
    line.end();
    if (format === "json") {
      const next = nextStep === "" ? undefined : nextStep;
      answers.write(problemJson({ type: code ?? "refused", detail: message, nextStep: next }));
      return 1;
    }
    io.stderr.write(`snapshot transfer: failed: ${message}\n`);
    if (nextStep !== undefined && nextStep !== "") io.stderr.write(`Next: ${nextStep}\n`);
    return 1;
  } finally {
    line.end();
  }
}
