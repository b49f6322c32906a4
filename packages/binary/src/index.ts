export { bytes, i32le, readU64le, struct, u16le, u32be, u32le, u64le, u8, writeU64le } from "./struct.ts";
export type { Field, Scalar, Struct } from "./struct.ts";
export { crc32, crc32c } from "./crc.ts";
export { XdrError, XdrReader, XdrWriter, xdr } from "./xdr.ts";
export type { U64Halves, XdrCodec, XdrErrorCode, XdrValue } from "./xdr.ts";
