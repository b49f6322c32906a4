/**
 * Bundles the page into dist/page, each file with its brotli and gzip form beside it. The paths of
 * routes are taken from @mortar/api while building: the page carries no schema.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { routes } from "@mortar/api";
import { defineConfig } from "vite";

const outDir = fileURLToPath(new URL("dist/page", import.meta.url));
const COMPRESSED_BYTES_MAX = 200_000;
/** Below this the headers outweigh what is saved. */
const WORTH_BYTES = 512;

const paths = Object.fromEntries(
  Object.entries(routes).map(([name, { method, path }]) => [name, [method, path]]),
);

function precompress() {
  return {
    name: "precompress",
    apply: "build",
    closeBundle() {
      let total = 0;
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || /\.(br|gz)$/.test(entry.name)) continue;
        const file = join(entry.parentPath, entry.name);
        const bytes = readFileSync(file);
        if (bytes.length < WORTH_BYTES) {
          total += bytes.length;
          continue;
        }
        const gzip = gzipSync(bytes, { level: 9 });
        total += gzip.length;
        writeFileSync(`${file}.gz`, gzip);
        const params = { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
        writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params }));
      }
      if (total > COMPRESSED_BYTES_MAX) {
        throw new Error(`the page is ${total} bytes compressed, of ${COMPRESSED_BYTES_MAX}`);
      }
    },
  };
}

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  define: { ROUTES: JSON.stringify(paths) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2023",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // An inlined asset would be a data: URL, which the content security policy refuses.
    assetsInlineLimit: 0,
  },
  logLevel: "warn",
  plugins: [precompress()],
});
