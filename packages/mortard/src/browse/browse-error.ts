/** A refusal of the process that reads snapshots: a number of the system and a sentence. */
export class BrowseError extends Error {
  override readonly name = "BrowseError";
  readonly errno: number;
  constructor(errno: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.errno = errno;
  }
}
