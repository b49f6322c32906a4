/**
 * The handshake: greeting, client flags, options, until the client has chosen an export.
 *
 * Replies to an option are queued and put out as there is room; the next option is looked at when
 * all are out. So a client that does not read its answers is not read either.
 */
import { chooseContexts, CONTEXT_MAX, isQuery, listContexts } from "./contexts.ts";
import type { NbdContext, NbdExport, NbdExports } from "./export-face.ts";
import {
  EXPORT_REPLY_ZEROES,
  exportReply,
  greeting,
  GREETING_MAGIC,
  HandshakeFlag,
  Info,
  infoBlockSize,
  infoExport,
  Option,
  OPTION_MAGIC,
  OptionReply,
  TransmissionFlag,
} from "./layouts.ts";
import { bytesOf, parseContextRequest, parseInfoRequest, textOf } from "./option-data.ts";
import { OptionReader, putAnswer } from "./option-reader.ts";
import type { Answer } from "./option-reader.ts";
import type { Wire } from "./wire.ts";

/** `wait`: more has to be received or sent first. */
export type Step = "again" | "wait" | "close";

/** What is served from now on, and how. */
export interface Agreed {
  readonly exported: NbdExport;
  readonly structured: boolean;
  readonly contexts: readonly NbdContext[];
}

interface Chosen {
  readonly name: string;
  readonly exported: NbdExport;
  readonly contexts: readonly NbdContext[];
}

/** Any byte may be asked for; and no length is too long, for transfers are done in pieces. */
export const BLOCK_BYTES_MIN = 1;
export const PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;

const CLIENT_FLAGS_BYTES = 4;
/** For an answer that is put out as the option is performed. */
const ROOM_BYTES_MIN = 256;
const SERVER_FLAGS = HandshakeFlag.fixedNewstyle | HandshakeFlag.noZeroes;
const NOTHING = new Uint8Array();

export function putGreeting(wire: Wire): void {
  const [magicHigh, magicLow] = GREETING_MAGIC;
  const [optionHigh, optionLow] = OPTION_MAGIC;
  const flags = SERVER_FLAGS;
  greeting.encode(wire.out, wire.outEnd, { magicHigh, magicLow, optionHigh, optionLow, flags });
  wire.outEnd += greeting.size;
}

/** The client's flags; undefined before they have come, -1 when they are not ours. */
export function takeClientFlags(wire: Wire): number | undefined {
  if (wire.available < CLIENT_FLAGS_BYTES) return undefined;
  const flags = wire.in.getUint32(wire.inBegin);
  wire.inBegin += CLIENT_FLAGS_BYTES;
  return flags > SERVER_FLAGS ? -1 : flags;
}

export class Negotiation {
  /** Set when the client has chosen; then `step` is not called any more. */
  agreed: Agreed | undefined;
  readonly #wire: Wire;
  readonly #exports: NbdExports;
  readonly #options: OptionReader;
  #answers: Answer[] = [];
  #answered = 0;
  #clientFlags: number | undefined;
  #structured = false;
  /** Of the last SET_META_CONTEXT: they count if the export of that name is then chosen. */
  #chosen: Chosen | undefined;
  /** What comes to pass when all answers are out. */
  #next: Agreed | "close" | undefined;

  constructor(wire: Wire, exports: NbdExports) {
    this.#wire = wire;
    this.#exports = exports;
    this.#options = new OptionReader(wire);
    putGreeting(wire);
  }

  step(): Step {
    for (; this.#answered < this.#answers.length; this.#answered++) {
      if (!putAnswer(this.#wire, this.#answers[this.#answered]!)) return "wait";
    }
    this.#answers = [];
    this.#answered = 0;
    if (this.#next === "close") return "close";
    if (this.#next !== undefined) return this.#begin(this.#next);
    if (this.#wire.room < ROOM_BYTES_MIN) return "wait";
    if (this.#clientFlags === undefined) {
      this.#clientFlags = takeClientFlags(this.#wire);
      if (this.#clientFlags === undefined) return "wait";
      return this.#clientFlags < 0 ? "close" : "again";
    }
    return this.#readOption();
  }

  /** The connection ends before an export was chosen. */
  close(): void {
    if (typeof this.#next === "object" && this.#next.exported !== this.#chosen?.exported)
      this.#next.exported.close();
    this.#choose(undefined);
  }

  #begin(agreed: Agreed): Step {
    if (agreed.exported !== this.#chosen?.exported) this.#choose(undefined);
    this.#chosen = undefined; // It is the transmission's now.
    this.#next = undefined;
    this.agreed = agreed;
    return "again";
  }

  #readOption(): Step {
    switch (this.#options.next()) {
      case "none":
        return "wait";
      case "broken":
        return "close";
      case "too-big":
        if (this.#options.option === Option.exportName) return "close";
        this.#answer(OptionReply.errTooBig);
        return "again";
      default:
        return this.#perform();
    }
  }

  #perform(): Step {
    const { option, begin, length } = this.#options;
    const data = this.#wire.input.subarray(begin, begin + length);
    switch (option) {
      case Option.exportName:
        return this.#exportName(textOf(data));
      case Option.abort:
        this.#answer(OptionReply.ack);
        this.#next = "close";
        break;
      case Option.list:
        if (length > 0) this.#answer(OptionReply.errInvalid);
        else this.#list();
        break;
      case Option.info:
      case Option.go:
        this.#info(data, option === Option.go);
        break;
      case Option.structuredReply:
        if (length === 0) this.#structured = true;
        this.#answer(length > 0 ? OptionReply.errInvalid : OptionReply.ack);
        break;
      case Option.listMetaContext:
      case Option.setMetaContext:
        this.#metaContext(data, option === Option.setMetaContext);
        break;
      case Option.startTls: // This connection is local, or its TLS ends before it comes here.
        this.#answer(OptionReply.errPolicy, bytesOf("TLS is not offered here"));
        break;
      default:
        this.#answer(OptionReply.errUnsupported);
    }
    return "again";
  }

  /** There is no way to refuse but to hang up. */
  #exportName(name: string): Step {
    const agreed = this.#agree(name);
    if (agreed === undefined) return "close";
    const padding =
      (this.#clientFlags! & HandshakeFlag.noZeroes) === 0 ? EXPORT_REPLY_ZEROES : 0;
    const wire = this.#wire;
    const { sizeBytes } = agreed.exported;
    exportReply.encode(wire.out, wire.outEnd, { sizeBytes, flags: transmissionFlags(agreed) });
    wire.output.fill(0, wire.outEnd + exportReply.size, wire.outEnd + exportReply.size + padding);
    wire.outEnd += exportReply.size + padding;
    return this.#begin(agreed);
  }

  #list(): void {
    for (const { name, description } of this.#exports.list()) {
      this.#answer(OptionReply.server, lengthAndText(name, description));
    }
    this.#answer(OptionReply.ack);
  }

  #info(data: Uint8Array, go: boolean): void {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.#answer(OptionReply.errInvalid);
    const agreed = this.#agree(request.name);
    if (agreed === undefined) return this.#answer(OptionReply.errUnknown);
    const { name, description, sizeBytes, preferredBytes } = agreed.exported;
    this.#answer(
      OptionReply.info,
      encoded(infoExport, { type: Info.export, sizeBytes, flags: transmissionFlags(agreed) }),
    );
    if (request.wanted.has(Info.name)) this.#answer(OptionReply.info, typedText(Info.name, name));
    if (request.wanted.has(Info.description))
      this.#answer(OptionReply.info, typedText(Info.description, description));
    if (request.wanted.has(Info.blockSize)) {
      this.#answer(
        OptionReply.info,
        encoded(infoBlockSize, {
          type: Info.blockSize,
          minimum: BLOCK_BYTES_MIN,
          preferred: preferredBytes,
          payloadMax: PAYLOAD_BYTES_MAX,
        }),
      );
    }
    this.#answer(OptionReply.ack);
    if (go) this.#next = agreed;
    else if (agreed.exported !== this.#chosen?.exported) agreed.exported.close();
  }

  #metaContext(data: Uint8Array, set: boolean): void {
    if (set) this.#choose(undefined);
    const request = parseContextRequest(data);
    if (request === undefined || !this.#structured || !request.queries.every(isQuery))
      return this.#answer(OptionReply.errInvalid);
    const exported = this.#exports.open(request.name);
    if (exported === undefined) return this.#answer(OptionReply.errUnknown);
    if (!set) {
      for (const name of listContexts(this.#exports, exported, request.queries))
        this.#answer(OptionReply.metaContext, idAndText(0, name));
      exported.close();
      return this.#answer(OptionReply.ack);
    }
    const contexts = chooseContexts(this.#exports, exported, request.queries);
    if (contexts === undefined) {
      exported.close();
      const text = `at most ${CONTEXT_MAX} contexts at once`;
      return this.#answer(OptionReply.errTooBig, bytesOf(text));
    }
    this.#choose({ name: request.name, exported, contexts });
    contexts.forEach(({ name }, index) =>
      this.#answer(OptionReply.metaContext, idAndText(index, name)),
    );
    this.#answer(OptionReply.ack);
  }

  #choose(chosen: Chosen | undefined): void {
    this.#chosen?.exported.close();
    this.#chosen = chosen;
  }

  /** The export of a name, open; the one that is chosen already, with its contexts, if it is that. */
  #agree(name: string): Agreed | undefined {
    const structured = this.#structured;
    if (this.#chosen !== undefined && this.#chosen.name === name)
      return { exported: this.#chosen.exported, structured, contexts: this.#chosen.contexts };
    const exported = this.#exports.open(name);
    return exported && { exported, structured, contexts: [] };
  }

  #answer(type: number, payload: Uint8Array = NOTHING): void {
    this.#answers.push({ option: this.#options.option, type, payload });
  }
}

function transmissionFlags({ exported, structured }: Agreed): number {
  const flag = TransmissionFlag;
  const always =
    flag.hasFlags | flag.sendFlush | flag.sendFua | flag.canMultiConn | flag.sendCache;
  const changes = exported.readOnly
    ? flag.readOnly
    : flag.sendTrim | flag.sendWriteZeroes | flag.sendFastZero;
  return always | changes | (structured ? flag.sendDf : 0);
}

function encoded<T>(
  layout: { size: number; encode(view: DataView, base: number, value: T): void },
  value: T,
): Uint8Array {
  const payload = new Uint8Array(layout.size);
  layout.encode(new DataView(payload.buffer), 0, value);
  return payload;
}

function typedText(type: number, text: string): Uint8Array {
  return Uint8Array.of(type >>> 8, type & 0xff, ...bytesOf(text));
}

function idAndText(id: number, text: string): Uint8Array {
  return Uint8Array.of(0, 0, id >>> 8, id & 0xff, ...bytesOf(text));
}

function lengthAndText(first: string, second: string): Uint8Array {
  const { length } = bytesOf(first);
  return Uint8Array.of(0, 0, length >>> 8, length & 0xff, ...bytesOf(first), ...bytesOf(second));
}
