/**
 * The web page: files of @mortar/web, read once and served from memory, each with the compressed form
 * that was made while building. They say nothing of the cluster, so nobody has to be signed in.
 *
 * The content security policy lets nothing in but what comes from here. Names below `assets/` have a
 * hash of their content in them and are kept for good; the page itself is asked for each time.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

const INDEX = "index.html";
const NOT_MODIFIED = 304;
const UNAVAILABLE = 503;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
};

const headers = {
  "content-security-policy":
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  vary: "accept-encoding",
} as const;

interface PageFile {
  readonly type: string;
  readonly etag: string;
  readonly isLasting: boolean;
  /** By the name of the encoding; `identity` is always there. */
  readonly forms: ReadonlyMap<string, Buffer>;
}

/** Where the build leaves it. */
export function pageDirectory(): string {
  return fileURLToPath(new URL(".", import.meta.resolve(`@mortar/web/page/${INDEX}`)));
}

/** Before the server is ready. */
export function registerPage(server: FastifyInstance, directory: string = pageDirectory()): void {
  const files = readPage(directory);
  const page = files.get(INDEX);
  server.get("/", { schema: { hide: true } }, (request, reply) => {
    if (page !== undefined) return send(page, request, reply);
    return reply.code(UNAVAILABLE).type("text/plain").serializer((it) => it as string)
      .send("The page was not built with this Mortar. Build it: npm run build\n");
  });
  for (const [path, file] of files) {
    server.get(`/${path}`, { schema: { hide: true } }, (request, reply) => send(file, request, reply));
  }
}

function readPage(directory: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  if (!existsSync(directory)) return files;
  const names = (readdirSync(directory, { recursive: true }) as string[]).sort();
  for (const name of names) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const file = join(directory, name);
    const whole = readFileSync(file);
    const forms = new Map([["identity", whole]]);
    for (const [encoding, suffix] of [["br", ".br"], ["gzip", ".gz"]] as const) {
      if (existsSync(file + suffix)) forms.set(encoding, readFileSync(file + suffix));
    }
    const etag = createHash("sha256").update(whole).digest("base64url").slice(0, 22);
    const path = name.split(sep).join("/");
    files.set(path, { type, etag, isLasting: path.startsWith("assets/"), forms });
  }
  return files;
}

function send(file: PageFile, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const accepted = acceptedOf(request.headers["accept-encoding"]);
  const encoding = ["br", "gzip"].find((it) => accepted.has(it) && file.forms.has(it)) ?? "identity";
  const etag = `"${file.etag}-${encoding}"`;
  void reply.headers({
    ...headers,
    etag,
    "cache-control": file.isLasting ? "public, max-age=31536000, immutable" : "no-cache",
    "content-type": file.type,
    ...(encoding === "identity" ? {} : { "content-encoding": encoding }),
  });
  const known = (request.headers["if-none-match"] ?? "").split(",").map((it) => it.trim());
  if (known.includes(etag)) return reply.code(NOT_MODIFIED).send();
  return reply.send(file.forms.get(encoding)!);
}

/** `q=0` says that it is not. */
function acceptedOf(header: string | string[] | undefined): ReadonlySet<string> {
  const parts = String(header ?? "").toLowerCase().split(",").map((it) => it.trim().split(";"));
  return new Set(parts.filter(([, q]) => q?.trim() !== "q=0").map(([name = ""]) => name.trim()));
}
