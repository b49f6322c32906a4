/** Whose word counts for whom. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loginUid, peerCredentials } from "@mortar/linux";
import { loginOf, operatorOf } from "./operator.ts";

const known = async () => "ann";
const unknown = async () => undefined;

void test("a login is believed, and nobody passes for somebody else", async () => {
  assert.deepEqual(await operatorOf(known, undefined), { name: "ann", stated: false });
  assert.deepEqual(await operatorOf(known, "ann"), { name: "ann", stated: false });
  assert.equal(typeof (await operatorOf(known, "bob")), "string");
});

void test("without a login the name is recorded as stated, and must be given", async () => {
  assert.deepEqual(await operatorOf(unknown, "bob"), { name: "bob", stated: true });
  assert.equal(typeof (await operatorOf(unknown, undefined)), "string");
});

void test("the kernel tells whose process is at the other end of a unix socket", async (context) => {
  const path = join(tmpdir(), `mortar-operator-${process.pid}.sock`);
  const server = createServer();
  server.listen(path);
  context.after(() => {
    server.close();
    rmSync(path, { force: true });
  });
  await once(server, "listening");
  const client = connect(path);
  const [accepted] = (await once(server, "connection")) as [Socket];
  const { _handle: handle } = accepted as Socket & { _handle: { fd: number } };
  const { pid, uid } = peerCredentials(handle.fd);
  assert.deepEqual([pid, uid], [process.pid, process.getuid!()]);
  const isKnown = uid !== 0 || (await loginUid(process.pid)) !== undefined;
  assert.equal((await loginOf(accepted)) !== undefined, isKnown);
  client.destroy();
  accepted.destroy();
});
