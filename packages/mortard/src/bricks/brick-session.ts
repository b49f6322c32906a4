/**
 * File operations on a running brick of this node, whichever server it has: a connection as a
 * client of the trusted pool makes it, with the volume's own user name and password.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Socket, createConnection } from "node:net";
import { connect as connectTls } from "node:tls";
import { type BrickSpec, specOfVolfile } from "@mortar/brick";
import { Dictionary, type Procedure, setVolume } from "@mortar/gluster";
import {
  RecordDecoder, decodeReply, encodeCall, encodeCredential, messageKind,
} from "@mortar/rpc";
import { BrickError } from "./brick-error.ts";

const ANSWER_BYTES_MAX = 1024 * 1024;
const FOPS_VERSION = "1298437";
const PRIVILEGED_TRIES = 8;

export interface BrickPlace {
  /** `HOST:/path`, for messages. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly volfile: string;
  readonly timeoutMs: number;
}

type Call = <Q, R>(procedure: Procedure<Q, R>, request: Q) => Promise<R>;

/** Connects, has `work` done, and leaves. Throws BrickError. */
export async function withBrickSession(
  brick: BrickPlace,
  work: (call: Call) => Promise<void>,
): Promise<void> {
  const spec = specOfVolfile(brick.volfile, { controlSocket: "" });
  const socket = await connected(brick, spec);
  try {
    const call = callsOver(socket, brick);
    const { opRet, dictionary } = await call(setVolume, { dictionary: introduction(spec) });
    if (opRet !== 0) {
      const reason = dictionary.text("ERROR") ?? "it gives no reason";
      throw new BrickError("refused", `The brick ${brick.name} refuses its own node: ${reason}`);
    }
    await work(call);
  } finally {
    socket.destroy();
  }
}

function introduction({ path, exportName, authentication }: BrickSpec): Dictionary {
  const [login] = authentication?.logins ?? [];
  return Dictionary.of({
    "remote-subvolume": exportName ?? path,
    "process-uuid": `CTX_ID:${randomUUID()}-GRAPH_ID:0-PID:${process.pid}-mortard`,
    "process-name": "mortard",
    "client-version": "10.3",
    "fops-version": FOPS_VERSION,
    "clnt-lk-version": "1",
    opversion: "100000",
    "volfile-checksum": "0",
    ...(login === undefined ? {} : { username: login.username, password: login.password }),
  });
}

/** From a privileged port where one is free: some volumes take no other. */
async function connected(brick: BrickPlace, spec: BrickSpec): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const isLast = tries === PRIVILEGED_TRIES;
    const localPort = isLast ? undefined : 512 + Math.floor(Math.random() * 512);
    try {
      return await attempt(brick, spec, localPort);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const isTaken = code === "EADDRINUSE" || code === "EACCES" || code === "EADDRNOTAVAIL";
      if (!isLast && isTaken) continue;
      throw new BrickError(
        "operation-failed", `The brick ${brick.name} takes no connection: ${message}`,
        { nextStep: "Look at `mortar volume status` and at the brick's log", cause: error },
      );
    }
  }
}

function attempt(
  { address, port, timeoutMs }: BrickPlace,
  spec: BrickSpec,
  localPort: number | undefined,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const own = localPort === undefined ? {} : { localPort };
    const plain = createConnection({ host: address, port, ...own });
    const tls = spec.options?.tls ?? null;
    const socket = tls === null ? plain : connectTls({
      socket: plain,
      cert: readFileSync(tls.certificateFile),
      key: readFileSync(tls.keyFile),
      ca: readFileSync(tls.authorityFile),
      // Certificates of GlusterFS name a client or a node, not an address.
      checkServerIdentity: () => undefined,
    });
    const timer = setTimeout(() => fail(new Error("it does not answer in time")), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      plain.destroy();
      socket.destroy();
      reject(error);
    };
    plain.once("error", fail);
    socket.once("error", fail);
    socket.once(tls === null ? "connect" : "secureConnect", () => {
      clearTimeout(timer);
      plain.off("error", fail);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}

/** One call at a time. */
function callsOver(socket: Socket, { name, timeoutMs }: BrickPlace): Call {
  const decoder = new RecordDecoder({ recordBytesMax: ANSWER_BYTES_MAX });
  let take: ((record: Uint8Array) => void) | undefined;
  let lose: ((error: Error) => void) | undefined;
  const lost = (reason: string): void =>
    lose?.(new BrickError("connection-lost", `The brick ${name} broke off: ${reason}`));
  socket.on("error", (error) => lost(error.message));
  socket.on("close", () => lost("it closed the connection"));
  socket.on("data", (chunk) => {
    try {
      for (const record of decoder.push(new Uint8Array(chunk))) {
        // Bricks tell clients of things by calls of their own.
        if (messageKind(record) !== "call") take?.(record);
      }
    } catch (error) {
      lost((error as Error).message);
    }
  });
  const credential = encodeCredential({
    kind: "gluster3", pid: process.pid, uid: 0, gid: 0, groups: [], timeFlags: 0, timeSeconds: 0,
    timeNanoseconds: 0, lockOwner: new Uint8Array(8),
  });
  let xid = 0;
  return async (procedure, request) => {
    const { number: program, version } = procedure.program;
    const target = { xid: ++xid, program, version, procedure: procedure.number };
    const late = setTimeout(() => lost(`no answer to ${procedure.name} in time`), timeoutMs);
    try {
      const record = await new Promise<Uint8Array>((resolve, reject) => {
        take = resolve;
        lose = reject;
        socket.write(encodeCall(target, credential, procedure.encodeRequest(request)));
      });
      const reply = decodeReply(record);
      if (reply.kind === "success") return procedure.decodeReply(reply.results);
      throw new BrickError("refused", `The brick ${name} answers ${procedure.name}: ${reply.kind}`);
    } finally {
      clearTimeout(late);
    }
  };
}
