/** Who is to be told of changes; used by bodies whose writers are all in this process. */
import type { StoreEvent } from "./cluster-store.ts";

interface Watcher {
  readonly prefix: string;
  readonly onChange: (event: StoreEvent) => void;
}

export class Watchers {
  readonly #watchers = new Set<Watcher>();

  add(prefix: string, onChange: (event: StoreEvent) => void): () => void {
    const watcher = { prefix, onChange };
    this.#watchers.add(watcher);
    return () => {
      this.#watchers.delete(watcher);
    };
  }

  tell(event: StoreEvent): void {
    for (const { prefix, onChange } of this.#watchers) {
      const changes = event.changes.filter((it) => it.key.startsWith(prefix));
      if (changes.length > 0) onChange({ revision: event.revision, changes });
    }
  }

  clear(): void {
    this.#watchers.clear();
  }
}
