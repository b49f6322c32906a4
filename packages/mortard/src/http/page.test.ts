import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { brotliCompressSync, brotliDecompressSync } from "node:zlib";
import { fastify } from "fastify";
import { rangeOf } from "./file-handlers.ts";
import { registerPage } from "./page.ts";

const directory = mkdtempSync(join(tmpdir(), "mortar-page-"));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "assets"));
writeFileSync(join(directory, "index.html"), "<!doctype html><title>Mortar</title>");
writeFileSync(join(directory, "assets/a-1.js"), "let a = 1;");
writeFileSync(join(directory, "assets/a-1.js.br"), brotliCompressSync("let a = 1;"));
writeFileSync(join(directory, "secret.json"), "{}");

const server = fastify();
registerPage(server, directory);
after(() => server.close());

test("the page and its parts are served, nothing else of the directory, and nothing beside it", async () => {
  const page = await server.inject("/");
  assert.equal(page.statusCode, 200);
  assert.match(page.body, /<title>Mortar/);
  assert.match(String(page.headers["content-security-policy"]), /default-src 'self'/);
  assert.equal(page.headers["cache-control"], "no-cache");
  for (const url of ["/secret.json", "/assets/a-1.js.br", "/assets/../secret.json", "/..%2fx", "/assets/"]) {
    assert.equal((await server.inject(url)).statusCode, 404, url);
  }
});

test("who takes brotli gets what was compressed while building, and who has it gets nothing again", async () => {
  const plain = await server.inject({ url: "/assets/a-1.js", headers: { "accept-encoding": "br;q=0, gzip" } });
  assert.equal(plain.body, "let a = 1;");
  assert.equal(plain.headers["content-encoding"], undefined);
  const small = await server.inject({ url: "/assets/a-1.js", headers: { "accept-encoding": "gzip, br" } });
  assert.equal(small.headers["content-encoding"], "br");
  assert.equal(brotliDecompressSync(small.rawPayload).toString(), "let a = 1;");
  assert.match(String(small.headers["cache-control"]), /immutable/);
  const again = await server.inject({
    url: "/assets/a-1.js",
    headers: { "accept-encoding": "br", "if-none-match": `"x", ${String(small.headers.etag)}` },
  });
  assert.equal(again.statusCode, 304);
  assert.equal(again.body, "");
});

test("without a build the page says how to make it", async () => {
  const bare = fastify();
  registerPage(bare, join(directory, "nowhere"));
  const answer = await bare.inject("/");
  assert.equal(answer.statusCode, 503);
  assert.match(answer.body, /npm run build/);
  await bare.close();
});

test("a range of bytes is inside of the file, or refused, or all of it", () => {
  assert.deepEqual(rangeOf(undefined, 10), { start: 0, lengthBytes: 10, isPart: false });
  assert.deepEqual(rangeOf("bytes=0-3", 10), { start: 0, lengthBytes: 4, isPart: true });
  assert.deepEqual(rangeOf("bytes=8-", 10), { start: 8, lengthBytes: 2, isPart: true });
  assert.deepEqual(rangeOf("bytes=-3", 10), { start: 7, lengthBytes: 3, isPart: true });
  assert.deepEqual(rangeOf("bytes=-30", 10), { start: 0, lengthBytes: 10, isPart: true });
  assert.deepEqual(rangeOf("bytes=5-99", 10), { start: 5, lengthBytes: 5, isPart: true });
  for (const refused of ["bytes=10-", "bytes=5-4", "bytes=-0"]) {
    assert.equal(rangeOf(refused, 10), "refused", refused);
  }
  assert.equal(rangeOf("bytes=0-", 0), "refused");
  for (const whole of ["bytes=-", "lines=1-2", "bytes=0-1,4-5", "bytes=a-b"]) {
    assert.deepEqual(rangeOf(whole, 10), { start: 0, lengthBytes: 10, isPart: false }, whole);
  }
});
