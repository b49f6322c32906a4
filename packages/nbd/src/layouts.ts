/**
 * The messages of the NBD protocol, fixed newstyle. All big-endian.
 *
 *     handshake     greeting (18)                      server
 *                   client flags (4)                   client
 *                   option header (16) | data          client, again and again
 *                   option reply (20) | data           server, one or more for each
 *     transmission  request (28) | data of a WRITE     client
 *                   simple reply (16) | data of a READ server, or
 *                   chunk (20) | payload               server, one or more for each READ and
 *                                                      BLOCK_STATUS
 *
 * A cookie names a request; it is opaque and copied raw, for a number could not hold it.
 *
 * Source: the protocol document of the NBD project (doc/proto.md).
 */
import { struct, u16be, u32be, u64be } from "@mortar/binary";

/** "NBDMAGIC" and "IHAVEOPT", in halves. */
export const GREETING_MAGIC = [0x4e42444d, 0x41474943] as const;
export const OPTION_MAGIC = [0x49484156, 0x454f5054] as const;
/** 0x0003e889045565a9 in halves. */
export const OPTION_REPLY_MAGIC = [0x0003e889, 0x045565a9] as const;
export const REQUEST_MAGIC = 0x25609513;
export const SIMPLE_REPLY_MAGIC = 0x67446698;
export const CHUNK_MAGIC = 0x668e33ef;

/** Of the server in the greeting, and of the client in its answer: the same bits. */
export const HandshakeFlag = { fixedNewstyle: 1, noZeroes: 2 } as const;

export const Option = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const;

const ERROR = 2 ** 31;
export const OptionReply = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  errUnsupported: ERROR + 1,
  errPolicy: ERROR + 2,
  errInvalid: ERROR + 3,
  errTlsRequired: ERROR + 5,
  errUnknown: ERROR + 6,
  errTooBig: ERROR + 9,
} as const;

export const Info = { export: 0, name: 1, description: 2, blockSize: 3 } as const;

export const TransmissionFlag = {
  hasFlags: 1,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  sendDf: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
  sendFastZero: 1 << 11,
} as const;

export const Command = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const;

export const CommandFlag = { fua: 1, noHole: 2, df: 4, reqOne: 8, fastZero: 16 } as const;

export const ChunkType = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 2 ** 15 + 1,
} as const;
export const CHUNK_DONE = 1;

/** The only errors that may be on the wire. */
export const NbdError = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const;

/** States of `base:allocation`. */
export const Allocation = { hole: 1, zero: 2 } as const;

export const greeting = struct("greeting", 18, {
  magicHigh: u32be, magicLow: u32be, optionHigh: u32be, optionLow: u32be, flags: u16be,
});
export const optionHeader = struct("option header", 16, {
  magicHigh: u32be, magicLow: u32be, option: u32be, length: u32be,
});
export const optionReply = struct("option reply", 20, {
  magicHigh: u32be, magicLow: u32be, option: u32be, type: u32be, length: u32be,
});
/** The answer to EXPORT_NAME; 124 zeros follow unless both sides said noZeroes. */
export const exportReply = struct("export name reply", 10, { sizeBytes: u64be, flags: u16be });
export const EXPORT_REPLY_ZEROES = 124;
/** Payloads of OptionReply.info. */
export const infoExport = struct("info: export", 12, {
  type: u16be, sizeBytes: u64be, flags: u16be,
});
export const infoBlockSize = struct("info: block size", 14, {
  type: u16be, minimum: u32be, preferred: u32be, payloadMax: u32be,
});
/** `offset` in halves: it may be beyond what a number holds, which is an error and not a throw. */
export const request = struct("request", 28, {
  magic: u32be, flags: u16be, type: u16be, cookieHigh: u32be, cookieLow: u32be, offsetHigh: u32be,
  offsetLow: u32be, length: u32be,
});
export const simpleReply = struct("simple reply", 16, {
  magic: u32be, error: u32be, cookieHigh: u32be, cookieLow: u32be,
});
export const chunk = struct("structured reply chunk", 20, {
  magic: u32be, flags: u16be, type: u16be, cookieHigh: u32be, cookieLow: u32be, length: u32be,
});
/** Payload of ChunkType.offsetData, before the data. */
export const chunkData = struct("offset data", 8, { offset: u64be });
export const chunkHole = struct("offset hole", 12, { offset: u64be, length: u32be });
/** A text may follow; we send none. */
export const chunkError = struct("error chunk", 6, { error: u32be, messageLength: u16be });
/** Payload of ChunkType.blockStatus: the context's id, then extents. */
export const CONTEXT_ID_BYTES = 4;
export const extent = struct("extent", 8, { length: u32be, state: u32be });
