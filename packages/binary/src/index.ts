export {
  bytes, i32le, readU64be, readU64le, struct, u16be, u16le, u32be, u32le, u64be, u64le, u8,
  writeU64be, writeU64le,
} from "./struct.ts";
export type { Field, Scalar, Struct } from "./struct.ts";
export { crc32, crc32c } from "./crc.ts";
export { XdrError, XdrReader, XdrWriter, xdr } from "./xdr.ts";
export type { U64Halves, XdrCodec, XdrErrorCode, XdrValue } from "./xdr.ts";
