/** Storage of bricks in memory: what `NodeModel` does with the effects of brick-storage.ts. */
import type { GroupRoom, StorageFacts } from "../bricks/brick-storage.ts";
import type { NodeEffect } from "../effect.ts";
import type { NodeModel } from "./node-model.sim.ts";

type Storage = NodeEffect<
  "inspectStorage" | "makeBareLv" | "makeBrickStorage" | "removeBrickStorage"
>;

/** Room of the group `vg` with its pool `pool`, of every node. */
const POOL_BYTES = 100 * 1024 ** 3;

export class StorageModel {
  readonly #node: NodeModel;
  /** What LVs were made for, by name. */
  readonly #marks = new Map<string, { readonly id: string; readonly sizeBytes: number }>();

  constructor(node: NodeModel) {
    this.#node = node;
  }

  /** LVs that bricks were made of. */
  get made(): string[] {
    return [...this.#marks.keys()];
  }

  perform(effect: Storage): StorageFacts | undefined {
    if (effect.kind === "inspectStorage") return this.#facts(effect.mountPoint);
    const name = `${effect.vg}/${effect.lv}`;
    const { lvs, mounts } = this.#node;
    if (effect.kind === "makeBareLv") {
      if (lvs.has(name)) return undefined;
      lvs.set(name, { active: false, thin: true, fs: this.#node.emptyFileSystem() });
      return undefined;
    }
    if (effect.kind === "makeBrickStorage") {
      const mark = this.#marks.get(name);
      if (mark?.id !== effect.id) {
        if (lvs.has(name)) throw this.#node.fail(name, "exists");
        this.#marks.set(name, { id: effect.id, sizeBytes: effect.sizeBytes });
        lvs.set(name, { active: true, thin: true, fs: this.#node.emptyFileSystem() });
      }
      mounts.set(effect.mountPoint, name);
      lvs.get(name)!.fs.directories.set(effect.path.slice(effect.mountPoint.length), undefined);
      return undefined;
    }
    if (this.#marks.get(name)?.id !== effect.id) return undefined;
    if (this.#node.busy.has(name)) throw this.#node.fail(name, "target is busy", "busy");
    mounts.delete(effect.mountPoint);
    lvs.delete(name);
    this.#marks.delete(name);
    return undefined;
  }

  #facts(mountPoint: string | undefined): StorageFacts {
    const promised = [...this.#marks.values()].reduce((sum, it) => sum + it.sizeBytes, 0);
    const group: GroupRoom = {
      name: "vg", freeBytes: 0, elsewhere: false,
      pools: [{ name: "pool", sizeBytes: POOL_BYTES, promisedBytes: promised }],
      lvs: [...this.#node.lvs.keys()].map((it) => it.slice("vg/".length)),
    };
    const isTaken = mountPoint !== undefined && this.#node.mounts.has(mountPoint);
    const refusal = isTaken ? { mountPointRefusal: `${mountPoint} is a mount point` } : {};
    return { bricksDirectory: `/${this.#node.host}`, groups: [group], ...refusal };
  }
}
