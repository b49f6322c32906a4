/** A brick process on a plain directory, for clients that speak the wire themselves. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { brickVolfile, initialOptions, printVolfile } from "@mortar/gluster";
import { setXattr } from "@mortar/linux";
import { askBrick, specOfVolfile, startBrick } from "./index.ts";
import { RawClient } from "./raw-client.fixture.ts";

const ID = "01020304-0506-0708-090a-0b0c0d0e0f10";

export class ServedBrick {
  readonly directory: string;
  readonly path: string;
  readonly controlSocket: string;
  pid = 0;
  port = 0;
  readonly #clients: RawClient[] = [];

  constructor() {
    const base = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
    this.directory = mkdtempSync(join(base, `brick-served-${process.pid}-`));
    this.path = join(this.directory, "brick");
    this.controlSocket = join(this.directory, "control");
    mkdirSync(this.path);
    const id = Uint8Array.from(Buffer.from(ID.replaceAll("-", ""), "hex"));
    setXattr(this.path, "trusted.glusterfs.volume-id", id);
  }

  volfile(options: Record<string, string>): string {
    return printVolfile(brickVolfile({
      name: "served", id: ID, kind: "distribute", bricks: [{ host: "h", path: this.path }],
      options: { ...initialOptions("distribute"), ...options },
      credentials: { username: "user", password: "word" },
    }, 0, { stateDirectory: this.directory, bindAddress: "127.0.0.1" }));
  }

  async start(options: Record<string, string> = {}): Promise<void> {
    const spec = specOfVolfile(this.volfile(options), { controlSocket: this.controlSocket });
    const started = await startBrick(spec, this.logFile);
    this.pid = started.pid;
    this.port = started.port;
  }

  get logFile(): string {
    return join(this.directory, "log");
  }

  get log(): string {
    return readFileSync(this.logFile, "utf8");
  }

  command(command: string, more: object = {}): Promise<unknown> {
    return askBrick(this.controlSocket, { command, ...more });
  }

  async reconfigure(options: Record<string, string>): Promise<Reconfigured> {
    const answer = await this.command("reconfigure", { volfile: this.volfile(options) });
    return answer as Reconfigured;
  }

  /** A client that was let in. */
  async client(facts: Record<string, string> = {}): Promise<RawClient> {
    const { client, errno, text } = await RawClient.enter(this.port, this.path, facts);
    this.#clients.push(client);
    if (errno !== 0) throw new Error(`${errno}: ${text}`);
    return client;
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.end();
    if (this.pid !== 0) {
      await this.command("stop").catch(() => process.kill(this.pid, "SIGKILL"));
      for (let waited = 0; waited < 5000 && existsSync(`/proc/${this.pid}`); waited += 20) {
        await delay(20);
      }
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

interface Reconfigured {
  readonly changed: readonly string[];
  readonly needsRestart: readonly string[];
}

export async function withServedBrick(
  options: Record<string, string>, body: (brick: ServedBrick) => Promise<void>,
): Promise<void> {
  const brick = new ServedBrick();
  try {
    await brick.start(options);
    await body(brick);
  } finally {
    await brick.remove();
  }
}
