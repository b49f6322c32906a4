/** Names of snapshots and of what is made of them. */
import { CommandFailure, errno } from "../failure.ts";
import { text } from "../stock-text.ts";

const NAME_MAX = 255;
const reservedNames = new Set(["all", "volume", "description", "force"]);

/** Throws unless a user may give a snapshot this name. */
export function checkSnapshotName(name: string): void {
  check(name, text.snapNameTooLong(), text.snapNameCharacters());
}

export function checkCloneName(name: string): void {
  check(name, text.cloneNameTooLong(), text.cloneNameCharacters());
}

function check(name: string, tooLong: string, characters: string): void {
  let message: string | undefined;
  if (name.length > NAME_MAX) message = tooLong;
  else if (!/^[A-Za-z0-9_-]+$/.test(name)) message = characters;
  else if (reservedNames.has(name)) message = text.snapNameReserved(name);
  if (message !== undefined) throw new CommandFailure("bad-argument", errno.EINVAL, message);
}

/** `_GMT-2026.11.22-15.33.07` */
export function timestampSuffix(nowMs: number): string {
  const [date = "", time = ""] = new Date(nowMs).toISOString().slice(0, 19).split("T");
  return `_GMT-${date.replaceAll("-", ".")}-${time.replaceAll(":", ".")}`;
}
