/** What mortard and the process that reads snapshots tell each other: bodies of HTTP requests. */

/** A place in a snapshot: which volume of it, and the path from its root, `/a/b`. */
export interface BrowsePlace {
  readonly snapshot: string;
  readonly volume: string;
  readonly path: string;
}

export interface ListRequest extends BrowsePlace {
  readonly offset: number;
  readonly limit: number;
}

export type FileKind = "file" | "directory" | "link" | "other";

export interface ListedFile {
  name: string;
  kind: FileKind;
  sizeBytes: number;
  /** UTC milliseconds. */
  modifiedMs: number;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Of a symbolic link. */
  target?: string;
}

export interface FileListing {
  /** What was asked about. */
  self: ListedFile;
  /** Of a directory. */
  entries: ListedFile[];
  /** Where the next ones begin; absent: there are no more. */
  nextOffset?: number;
}

export interface ReadRequest extends BrowsePlace {
  readonly start: number;
  /** Absent: to the end. */
  readonly lengthBytes?: number;
}

/** Answered with lines of JSON: `FileDiffLine`. */
export interface DiffRequest {
  readonly volume: string;
  readonly from: string;
  /** A snapshot; absent: the live volume. */
  readonly to?: string;
  /** How many differences; absent: all. */
  readonly limit?: number;
}

export interface RestoreRequest extends BrowsePlace {
  /** Where to, in the live volume; `/a/b`. */
  readonly target: string;
  /** What is there already may be replaced. */
  readonly replace: boolean;
  readonly dryRun: boolean;
}

export interface FileRestored {
  target: string;
  files: number;
  directories: number;
  links: number;
  bytes: number;
  /** Files and links that were there, and are replaced. */
  replaced: number;
  /** What cannot be brought back, in sentences; 100 at the most. */
  skipped: string[];
}

/** In the body of every refusal. */
export interface BrowseRefusal {
  readonly errno: number;
  readonly message: string;
}
