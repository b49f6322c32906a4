/** Bookmarks by the words that they are named with. */
import type { ClusterState } from "../state.ts";
import type { BookmarkDocument } from "./bookmark-document.ts";

/** By its name, its id, or the snapshot's. Undefined: there is none that is complete. */
export function findBookmark(state: ClusterState, word: string): BookmarkDocument | undefined {
  const complete = [...state.bookmarks.values()].map((it) => it.document).filter((it) => it.isComplete);
  return complete.find((it) => it.name === word || it.id === word) ??
    complete.find((it) => it.point.id === word);
}
