/** A name may have a line feed in it, and what a terminal takes for a command. */
export function quotedPath(path: string): string {
  // oxlint-disable-next-line no-control-regex -- those are what is looked for
  return /[\u0000-\u001f\u007f-\u009f]/.test(path) ? JSON.stringify(path) : path;
}
