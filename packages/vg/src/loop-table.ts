/**
 * The loop devices of this machine, asked for by what they are over. There may be thousands: what is
 * asked for is read, of the others only that they are there.
 */
import { listLoopBackings, readLoop, type LoopStatus } from "@mortar/linux";

export class LoopTable {
  #paths: Map<string, string[]> | undefined;

  /** Those over a file or device that has this path now. */
  over(backingPath: string): LoopStatus[] {
    return this.#read(this.#index().get(backingPath) ?? [], (it) => it === backingPath);
  }

  /** Those over files of a directory. */
  below(directory: string): LoopStatus[] {
    const isBelow = (path: string) => path.startsWith(`${directory}/`);
    const paths = [...this.#index()].flatMap(([path, loops]) => (isBelow(path) ? loops : []));
    return this.#read(paths, isBelow);
  }

  /** A file may have got another path since its device was attached. */
  #read(paths: readonly string[], isMeant: (backingPath: string) => boolean): LoopStatus[] {
    return paths.flatMap((path) => {
      const loop = readLoop(path);
      return loop !== undefined && isMeant(loop.backingPath) ? [loop] : [];
    });
  }

  #index(): ReadonlyMap<string, readonly string[]> {
    if (this.#paths !== undefined) return this.#paths;
    const paths = new Map<string, string[]>();
    for (const { path, backingPath } of listLoopBackings()) {
      const known = paths.get(backingPath);
      if (known === undefined) paths.set(backingPath, [path]);
      else known.push(path);
    }
    this.#paths = paths;
    return paths;
  }
}
