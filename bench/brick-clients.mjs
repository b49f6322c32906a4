/**
 * What needs many clients or many calls, spoken by the bench itself: a stock client would be most of what is measured.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { WireClient } from "../packages/brick/dist/wire-client.fixture.js";
import { Dictionary, fops, setVolume, typed } from "../packages/gluster/dist/index.js";

const ROOT = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
const S_IFREG = 0o100000;
const CONNECTING_AT_ONCE = 64;
/** Calls of one client that wait for their answers: what the servers let a client have. */
const DEPTH = 48;
const MAKERS = 4;
const FILES_PER_DIRECTORY = 10_000;

/** So many clients come in, each does one call, all stay until the end. Seconds for all of them. */
export async function connectClients(stand, count) {
  const clients = [];
  const started = performance.now();
  let next = 0;
  const one = async () => {
    while (next < count) {
      const client = await enter(stand, `bench-${next++}`);
      clients.push(client);
      await look(client, ROOT);
    }
  };
  try {
    await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, one));
    return { seconds: (performance.now() - started) / 1000, memory: stand.memory() };
  } finally {
    for (const client of clients) client.close();
  }
}

let calls = 0;

/** Makes empty files, as many as `count` and as the time allows; answers how many. */
export async function makeFiles(stand, count, secondsMax) {
  const end = performance.now() + secondsMax * 1000;
  const prefix = `made-${calls++}`;
  let made = 0;
  const maker = async (number) => {
    const client = await enter(stand, `maker-${number}`);
    try {
      for (let round = 0; made < count && performance.now() < end; round++) {
        made += await fillDirectory(client, `${prefix}-${number}-${round}`, () => performance.now() < end);
      }
    } finally {
      client.close();
    }
  };
  await Promise.all(Array.from({ length: MAKERS }, (_, number) => maker(number)));
  return made;
}

async function fillDirectory(client, name, isTime) {
  const parent = await make(client, fops.mkdir, { parent: ROOT, mode: 0o755, umask: 0, name: Buffer.from(name) });
  let next = 0;
  const one = async () => {
    while (next < FILES_PER_DIRECTORY && isTime()) {
      const text = Buffer.from(`file-${next++}`);
      await make(client, fops.mknod, { parent, dev: { high: 0, low: 0 }, mode: S_IFREG | 0o644, umask: 0, name: text });
    }
  };
  await Promise.all(Array.from({ length: DEPTH }, one));
  return next;
}

async function make(client, procedure, request) {
  const gfid = randomBytes(16);
  const { opRet, opErrno } = await client.call(procedure, { ...request, xdata: new Map([["gfid-req", typed.gfid(gfid)]]) });
  if (opRet !== 0) throw new Error(`${procedure.name}: errno ${opErrno}`);
  return gfid;
}

async function look(client, gfid) {
  const { opRet, opErrno } = await client.call(fops.stat, { gfid, xdata: new Map() });
  if (opRet !== 0) throw new Error(`STAT: errno ${opErrno}`);
}

/** A connection that was let in, as the stock client's is. */
async function enter(stand, name) {
  const [{ path, port }] = stand.bricks;
  const { username, password } = stand.volume.credentials;
  const socket = connect(port, "127.0.0.1").setNoDelay(true);
  await once(socket, "connect");
  const client = new WireClient(socket);
  const dictionary = Dictionary.of({
    "remote-subvolume": path,
    "process-uuid": `CTX_ID:${name}-GRAPH_ID:0-PID:${process.pid}-HOST:bench-PC_NAME:v-client-0-RECON_NO:-0`,
    "fops-version": "1298437", "client-version": "10.3", "process-name": "bench", "clnt-lk-version": "1",
    opversion: "100000", "volfile-checksum": "0", username, password,
  });
  const { opRet, dictionary: facts } = await client.call(setVolume, { dictionary });
  if (opRet !== 0) throw new Error(`SETVOLUME: ${facts.text("ERROR")}`);
  return client;
}
