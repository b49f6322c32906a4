/** Parts of streams in a directory. A file is there as a whole or not at all. */
import { open, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PartStore } from "./directory-place.ts";

export class DirectoryStore implements PartStore {
  readonly name: string;

  constructor(directory: string) {
    this.name = directory;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.name, name);
    await mkdir(dirname(path), { recursive: true });
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    const directory = await open(dirname(path), "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return await readFile(join(this.name, name));
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  }

  async list(suffix: string): Promise<string[]> {
    const names = await readdir(this.name, { recursive: true }).catch((error: { code?: string }) => {
      if (error.code === "ENOENT") return [];
      throw error;
    });
    return names.filter((it) => it.endsWith(suffix)).sort();
  }
}
