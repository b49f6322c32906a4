/** Three real nodes, a volume of three copies with files in it, and the page of the first node in a real Chromium. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DevCluster, skipCluster } from "./dev-cluster.ts";
import { skipPage, WebPage } from "./web-page.ts";

/** Why the page is not driven here, or false. */
export const skipPageCluster = skipCluster === false ? skipPage : skipCluster;

/** Where pictures of every view are left; a directory that goes, unless it was named. */
const kept = process.env["MORTAR_PICTURES"];

export class PageCluster extends DevCluster {
  readonly pictures = kept ?? mkdtempSync(join(tmpdir(), "mortar-pictures-"));
  readonly isKept = kept !== undefined;
  readonly #port = 24_000 + (process.pid % 900);
  readonly web = new WebPage(`http://${this.hosts[0]}:${this.#port}/`, this.pictures);

  /** The volume is `media`, mounted at that name. */
  override async make(): Promise<void> {
    const directory = `${this.root}/n1/etc/mortar`;
    mkdirSync(directory, { recursive: true });
    const [address] = this.hosts;
    // What was looked into is let go while the test lasts.
    const config = { address, snapshotViewIdleSeconds: 10, web: { address, port: this.#port, plain: true } };
    writeFileSync(join(directory, "mortar.json"), JSON.stringify(config));
    await super.make();
    await this.volume("media", "replica 3");
    await this.ok(
      1,
      "cd media && mkdir -p projects/lens && echo first > projects/lens/notes.txt && " +
        "chmod 640 projects/lens/notes.txt && chown 1234:55 projects/lens/notes.txt && " +
        "setfattr -n user.k -v w projects/lens/notes.txt && ln -s notes.txt projects/lens/link && " +
        "dd if=/dev/urandom of=projects/big bs=1M count=6 status=none && sync -f .",
    );
    await this.web.open();
  }

  override async close(): Promise<void> {
    await this.web.close();
    await super.close();
    if (!this.isKept) rmSync(this.pictures, { recursive: true, force: true });
  }

  async tokenOf(name: string, role: string): Promise<string> {
    const text = await this.ok(1, `mortar token create ${name} --role ${role}`);
    const [token] = /mortar-[A-Za-z0-9_-]{20,}/.exec(text) ?? [];
    assert.ok(token, text);
    return token;
  }
}
