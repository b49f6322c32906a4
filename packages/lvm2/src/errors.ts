/**
 * Everything that can go wrong here, as codes. `message` is the sentence LVM prints (without its
 * two leading blanks), `exitCode` the code its commands leave with: 3 for a bad argument, 5 for a
 * failure.
 */

const EXIT_CODES = {
  // What is on the medium cannot be trusted.
  "bad-label": 5,
  "bad-metadata-area": 5,
  "bad-text": 5,
  "bad-volume-group": 5,
  "unknown-flag": 5,
  // The text does not fit its buffer.
  "metadata-too-large": 5,
  "metadata-area-full": 5,
  // The device cannot hold a physical volume.
  "device-too-small": 5,
  // Arguments.
  "bad-name": 3,
  "bad-size": 3,
  "bad-chunk-size": 3,
  "chunk-too-small": 5,
  "chunk-too-large": 5,
  "bad-tag": 3,
  "bad-argument": 3,
  "wrong-type": 5,
  "name-too-long": 5,
  // The operation does not fit the volume group.
  "already-exists": 5,
  "not-found": 5,
  "pool-not-found": 5,
  "origin-not-found": 5,
  "no-space": 5,
  "not-larger": 5,
  "in-use": 5,
  "missing-pv": 5,
  "limit-reached": 5,
  "pending-messages": 5,
  "read-only": 5,
  unsupported: 5,
  unchanged: 5,
} as const;

export type Lvm2ErrorCode = keyof typeof EXIT_CODES;

/** `device` is the name of the device that holds the damage; `line` the line of a text. */
export class Lvm2Error extends Error {
  override readonly name = "Lvm2Error";
  readonly code: Lvm2ErrorCode;
  readonly exitCode: 3 | 5;
  readonly device: string | undefined;
  readonly line: number | undefined;

  constructor(
    code: Lvm2ErrorCode,
    message: string,
    options?: ErrorOptions & { readonly device?: string; readonly line?: number },
  ) {
    super(message, options);
    this.code = code;
    this.exitCode = EXIT_CODES[code];
    this.device = options?.device;
    this.line = options?.line;
  }
}
