/** Paths in a snapshot and in a volume, as somebody on the network gives them. */
import { Errno } from "../snapd/fop-error.ts";
import { BrowseError } from "./browse-error.ts";

const PATH_CHARACTERS_MAX = 4096;
const NAME_BYTES_MAX = 255;

/** The names on the way. Throws BrowseError for what is no path from the root, or leads up. */
export function namesOf(path: string): string[] {
  if (!path.startsWith("/") || path.length > PATH_CHARACTERS_MAX || path.includes("\0")) {
    throw new BrowseError(Errno.EINVAL, `${shown(path)} is no path: it begins with /`);
  }
  const names = path.split("/").filter((name) => name !== "");
  for (const name of names) {
    if (name === "." || name === "..") {
      throw new BrowseError(Errno.EINVAL, `${shown(path)} is no path from the root: it has ${name}`);
    }
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw new BrowseError(Errno.EINVAL, `${shown(path)} has a name of more than 255 bytes`);
    }
  }
  return names;
}

function shown(path: string): string {
  return JSON.stringify(path.slice(0, 200));
}
