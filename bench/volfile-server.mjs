/**
 * The management port for one volume: what libgfapi (fio, QEMU) needs to find it, and no more. Each stand has an address
 * of its own below 127.0.0.0/8, so that all of them may have port 24007.
 */
import { createServer } from "node:net";
import { Dictionary, dump, getSpec, getVolumeInfo, handshakePing, ping, PROGRAM } from "../packages/gluster/dist/index.js";
import { decodeCall, encodeReply, RecordDecoder } from "../packages/rpc/dist/index.js";

const ENOENT = 2;
const PORT = 24_007;
const RESULT = { opRet: 0, opErrno: 0 };

/** Serves the text as the volfile `name`; answers { close }. */
export async function serveVolfile(address, name, text) {
  const extra = new Dictionary();
  const empty = { ...RESULT, extra: new Uint8Array(0) };
  const programs = [PROGRAM.handshake, PROGRAM.dump].map((program) => ({ name: program.name, number: program.number, version: program.version }));
  const services = [
    [getSpec, ({ key }) => key.replace(/^\//, "") === name
      ? { opRet: Buffer.byteLength(text), opErrno: 0, spec: text, extra }
      : { opRet: -1, opErrno: ENOENT, spec: "", extra }],
    [getVolumeInfo, () => ({ ...RESULT, opErrstr: "", dictionary: new Dictionary() })],
    [handshakePing, () => empty],
    [ping, () => empty],
    [dump, () => ({ id: { high: 0, low: 0 }, ...RESULT, programs })],
  ];
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    const decoder = new RecordDecoder({ recordBytesMax: 2 ** 20 });
    socket.on("data", (chunk) => {
      for (const record of decoder.push(chunk)) socket.write(answer(services, decodeCall(record)));
    });
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(PORT, address, resolve);
  });
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(services, call) {
  const found = services.find(([{ program, number }]) => program.number === call.program && number === call.procedure);
  if (found === undefined) return encodeReply(call.xid, { kind: "procedure-unavailable" });
  const [procedure, handle] = found;
  const results = procedure.encodeReply(handle(procedure.decodeRequest(call.args)));
  return encodeReply(call.xid, { kind: "success", results });
}
