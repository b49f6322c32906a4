export type BrickErrorCode =
  | "glusterfsd-missing"
  | "glusterfs-missing"
  | "no-free-port"
  | "start-failed"
  | "stop-failed"
  | "not-running"
  | "operation-failed"
  | "connection-lost"
  | "refused"
  | "not-supported"
  | "operation-timeout";

export class BrickError extends Error {
  override readonly name = "BrickError";
  readonly code: BrickErrorCode;
  /** What an operator should do now. */
  readonly nextStep: string | undefined;
  constructor(
    code: BrickErrorCode,
    message: string,
    options?: ErrorOptions & { readonly nextStep?: string },
  ) {
    super(message, options);
    this.code = code;
    this.nextStep = options?.nextStep;
  }
}
