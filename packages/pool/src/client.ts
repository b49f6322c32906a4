import { existsSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { unmount } from "@mortar/linux";
import { LINE_BYTES_MAX } from "./control.ts";
import type { ControlReply, ControlRequest } from "./control.ts";
import { pidOfLocker } from "./life-lock.ts";
import type { NbdAddress, NbdStatus } from "./nbd-listener.ts";
import { PoolError } from "./pool-error.ts";
import { runFiles, socketAddress } from "./run-directory.ts";
import type { RunFiles } from "./run-directory.ts";
import type { LinearVolumeSpec, PoolMessage, PoolSpec, VolumeSpec } from "./spec.ts";
import type { SpaceReport } from "./space.ts";
import type { PoolStatus } from "./status.ts";

/**
 * Speaks to the server of one pool. There is nothing to close: each request is a connection of its
 * own, and a server that died is waited for while its holder lives. Every method throws PoolError.
 */
export interface PoolClient {
  readonly runDirectory: string;
  status(): Promise<PoolStatus>;
  /**
   * Who owns how much of the pool, and what deleting exactly the devices of each set would free, as
   * of a moment between call and answer. After an open the pool's metadata has to be read first:
   * that is waited for, `waitMs` at most.
   */
  space(sets: readonly (readonly number[])[], waitMs: number): Promise<SpaceReport>;
  /**
   * Perform LVM messages and set the pool's transaction id, in one commit. `transactionId` is the
   * new id: the pool must be one below it (`done`), or already there (`unchanged`: the messages
   * were performed before). Everything that was acknowledged before the call is in a snapshot.
   * Deleting a device that is active is refused (`busy`).
   */
  message(request: {
    readonly messages: readonly PoolMessage[];
    readonly transactionId: number;
  }): Promise<"done" | "unchanged">;
  /**
   * Serve an LV. Returns the path of its file, for a loop device. Idempotent; `exists` if it is
   * served differently.
   */
  activate(volume: VolumeSpec | LinearVolumeSpec): Promise<string>;
  /** Stop serving an LV; `busy` while its file is open. */
  deactivate(name: string): Promise<"done" | "unchanged">;
  /**
   * Change the size of a served LV. The loop device above must then be told (LOOP_SET_CAPACITY).
   */
  resize(name: string, sizeBytes: number): Promise<"done" | "unchanged">;
  /**
   * Take over a new spec of the same pool: more segments (data and metadata grow online), other
   * devices, settings, LVs added, resized and, if not open, removed. The transaction id must be the
   * pool's own.
   */
  reload(spec: PoolSpec): Promise<void>;
  /**
   * Export a served LV by NBD at one more address: see NbdListener. `exists` if the address is open
   * with other TLS files.
   */
  nbdExport(request: {
    readonly address: NbdAddress;
    readonly volume: string;
    readonly tlsDirectory: string | null;
  }): Promise<void>;
  /** At one address, or with null everywhere. Clients that are connected stay. */
  nbdUnexport(volume: string, address: NbdAddress | null): Promise<"done" | "unchanged">;
  nbdStatus(): Promise<NbdStatus>;
  /** Commit, end both processes, unmount, remove the run directory. `busy` while any LV is open. */
  stop(): Promise<void>;
}

const RETRY_MS = 25;
const UNREACHABLE_MS = 15_000;
const SPACE_RETRY_MS_MAX = 250;

/**
 * The client of a running pool; undefined when neither holder nor server lives in this run
 * directory.
 */
export async function connectPool(runDirectory: string): Promise<PoolClient | undefined> {
  return livingPid(runFiles(runDirectory)) === undefined ? undefined : poolClient(runDirectory);
}

/** A client whether or not the pool runs. `requestStop` does not wait for the end. */
export function poolClient(runDirectory: string): PoolClient & { requestStop(): Promise<void> } {
  const files = runFiles(runDirectory);
  const ask = (request: ControlRequest): Promise<unknown> => askWithRetry(files, request);
  const requestStop = async (): Promise<void> => void (await ask({ verb: "stop" }));
  type Change = Promise<"done" | "unchanged">;
  return {
    runDirectory,
    status: () => ask({ verb: "status" }) as Promise<PoolStatus>,
    space: (sets, waitMs) => askSpace(files, sets, waitMs),
    message: ({ messages, transactionId }) =>
      ask({ verb: "message", messages, transactionId }) as Change,
    activate: (volume) => ask({ verb: "activate", volume }) as Promise<string>,
    deactivate: (name) => ask({ verb: "deactivate", name }) as Change,
    resize: (name, sizeBytes) => ask({ verb: "resize", name, sizeBytes }) as Change,
    reload: async (spec) => void (await ask({ verb: "reload", spec })),
    nbdExport: async (request) => void (await ask({ verb: "nbd-export", ...request })),
    nbdUnexport: (volume, address) => ask({ verb: "nbd-unexport", volume, address }) as Change,
    nbdStatus: () => ask({ verb: "nbd-list" }) as Promise<NbdStatus>,
    requestStop,
    stop: async () => {
      if (livingPid(files) === undefined) return;
      await requestStop();
      while (livingPid(files) !== undefined) await sleep(RETRY_MS);
      if (existsSync(files.directory)) await sweep(files);
    },
  };
}

/**
 * Have the server of a run directory keep the metadata of its last commit readable, or let it go.
 * Whose it is, is for the caller to know.
 */
export async function holdPoolMetadata(
  runDirectory: string,
  hold: boolean,
): Promise<"done" | "unchanged"> {
  const answer = await askWithRetry(runFiles(runDirectory), { verb: "hold-metadata", hold });
  return answer as "done" | "unchanged";
}

async function askSpace(
  files: RunFiles,
  sets: readonly (readonly number[])[],
  waitMs: number,
): Promise<SpaceReport> {
  const deadline = Date.now() + waitMs;
  for (let pauseMs = RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, SPACE_RETRY_MS_MAX)) {
    const report = (await askWithRetry(files, { verb: "space", sets })) as SpaceReport;
    if (report.ready || !report.retry || Date.now() + pauseMs > deadline) return report;
    await sleep(pauseMs);
  }
}

/** What the holder does at its end, for one that did not live to see it. */
async function sweep(files: RunFiles): Promise<void> {
  await unmount(files.mountPoint, { detach: true }).catch(() => undefined);
  rmSync(files.directory, { recursive: true, force: true });
}

/**
 * The pid of the holder of a run directory or, if that was killed, of its server: it serves on
 * alone.
 */
export function livingPid(files: RunFiles): number | undefined {
  return pidOfLocker(files.holderPid) ?? pidOfLocker(files.serverPid);
}

async function askWithRetry(files: RunFiles, request: ControlRequest): Promise<unknown> {
  const deadline = Date.now() + UNREACHABLE_MS;
  for (;;) {
    const reply = await askOnce(files, request);
    if (reply !== undefined) {
      if (reply.ok) return reply.result;
      throw new PoolError(reply.code, reply.message);
    }
    const lives = livingPid(files) !== undefined;
    // It stopped, only the answer was lost.
    if (!lives && request.verb === "stop") return undefined;
    if (!lives || Date.now() > deadline) {
      const hint = lives ? `its holder lives; see ${files.log}` : "activate the volume group";
      throw new PoolError("unreachable", `no pool server answers in ${files.directory}: ${hint}`);
    }
    await sleep(RETRY_MS);
  }
}

/**
 * One connection, one request. Undefined when there is no server, or it died before it answered.
 */
function askOnce(files: RunFiles, request: ControlRequest): Promise<ControlReply | undefined> {
  return new Promise((resolve) => {
    let address: ReturnType<typeof socketAddress>;
    try {
      address = socketAddress(files);
    } catch {
      resolve(undefined);
      return;
    }
    let text = "";
    const socket = connect(address.path, () => socket.end(`${JSON.stringify(request)}\n`));
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      text += part;
      if (text.length > LINE_BYTES_MAX) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      address.release();
      resolve(text.endsWith("\n") ? (JSON.parse(text) as ControlReply) : undefined);
    });
  });
}
