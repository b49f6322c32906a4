/** What answers the routes of files of snapshots, and the one of their content. */
import { conforms, firstMismatch, fromText, SnapshotContentQuery } from "@mortar/api";
import type { FileRestoreBody } from "@mortar/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BrowseError } from "../browse/browse-error.ts";
import type { BrowseProcess } from "../browse/browse-process.ts";
import type { Handlers, NodeControl } from "./handlers.ts";
import { PROBLEM_TYPE, problemOfBrowse, problemOfRequest } from "./problem.ts";
import { type Reply, replyOf } from "./reply.ts";

const LIMIT = 1_000;
const OK = 200;
const PARTIAL = 206;
const RANGE_REFUSED = 416;

/** Shown by a browser without harm; all else is bytes. */
const shownTypes: Readonly<Record<string, string>> = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp",
};

export type FileControl = Pick<BrowseProcess, "list" | "restore" | "read" | "diff">;

export function fileHandlers(
  node: NodeControl,
): Pick<Handlers, "snapshotFiles" | "snapshotFileRestore"> {
  return {
    snapshotFiles: async ({ params, query }) => {
      const { path = "/", offset = 0, limit = LIMIT, volume } = query as {
        path?: string; offset?: number; limit?: number; volume?: string;
      };
      return await refusing(node, params, volume, async (place) =>
        await node.files.list({ ...place, path, offset, limit }));
    },
    snapshotFileRestore: async ({ params, body }) => {
      const { path, target = path, replace = false, dryRun = false, volume } =
        body as FileRestoreBody;
      return await refusing(node, params, volume, async (place) =>
        await node.files.restore({ ...place, path, target, replace, dryRun }));
    },
  };
}

export interface Of {
  readonly snapshot: string;
  readonly volume: string;
}

async function refusing<T>(
  node: NodeControl, params: Readonly<Record<string, string>>, volume: string | undefined,
  ask: (of: Of) => Promise<T>,
): Promise<Reply<T>> {
  const of = await volumeOf(node, params["snapshot"] ?? "", volume);
  if (!of.ok) return of;
  try {
    return { ok: true, result: await ask(of.result), warnings: [], details: [] };
  } catch (error) {
    if (error instanceof BrowseError) return { ok: false, problem: problemOfBrowse(error) };
    throw error;
  }
}

/** Of a snapshot of one volume nobody has to name it. */
export async function volumeOf(
  node: NodeControl, snapshot: string, volume: string | undefined,
): Promise<Reply<Of>> {
  const reply = replyOf(await node.run("snapshotInfo", { snapshot }));
  if (!reply.ok) return reply;
  const origins = reply.result.snapshots.flatMap(({ snapVolumes }) =>
    snapVolumes.map(({ originVolume }) => originVolume));
  const [first] = origins;
  const chosen = volume ?? (origins.length === 1 ? first : undefined);
  if (chosen !== undefined && origins.includes(chosen)) {
    return { ...reply, result: { snapshot, volume: chosen } };
  }
  const detail = `${snapshot} is of the volumes ${origins.join(", ")}: say of which one`;
  return { ok: false, problem: problemOfRequest(400, detail) };
}

export interface ContentRouteOptions {
  readonly node: NodeControl;
  /** Throws for whoever may not. */
  readonly admit: (request: FastifyRequest) => void;
}

/** `GET /v1/snapshots/:snapshot/content?path=`: bytes, not JSON; one range at a time. */
export function registerContent(server: FastifyInstance, { node, admit }: ContentRouteOptions): void {
  server.get("/v1/snapshots/:snapshot/content", { schema: { hide: true } }, async (request, reply) => {
    admit(request);
    const query = fromText(SnapshotContentQuery, request.query);
    if (!conforms(SnapshotContentQuery, query)) {
      const detail = firstMismatch(SnapshotContentQuery, query) ?? "";
      return await problem(reply, problemOfRequest(400, `querystring: ${detail}`));
    }
    const { snapshot } = request.params as { snapshot: string };
    const of = await volumeOf(node, snapshot, query.volume);
    if (!of.ok) return await problem(reply, of.problem);
    try {
      return await send(node, { ...of.result, ...query }, request, reply);
    } catch (error) {
      if (error instanceof BrowseError) return await problem(reply, problemOfBrowse(error));
      throw error;
    }
  });
}

async function send(
  node: NodeControl, place: Of & SnapshotContentQuery, request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { snapshot, volume, path, download } = place;
  const { self } = await node.files.list({ snapshot, volume, path, offset: 0, limit: 1 });
  const range = rangeOf(request.headers.range, self.sizeBytes);
  if (range === "refused") {
    void reply.header("content-range", `bytes */${self.sizeBytes}`);
    const detail = `${path} has ${self.sizeBytes} bytes: the range is outside of it`;
    return await problem(reply, problemOfRequest(RANGE_REFUSED, detail));
  }
  const bytes = await node.files.read({
    snapshot, volume, path, start: range.start, lengthBytes: range.lengthBytes,
  });
  reply.raw.once("close", () => bytes.destroy());
  const suffix = /\.([a-z]+)$/i.exec(self.name)?.[1]?.toLowerCase() ?? "";
  const isShown = download !== true && shownTypes[suffix] !== undefined;
  const end = range.start + range.lengthBytes - 1;
  return await reply
    .code(range.isPart ? PARTIAL : OK)
    .headers({
      "content-type": isShown ? shownTypes[suffix] : "application/octet-stream",
      "content-length": range.lengthBytes,
      "accept-ranges": "bytes",
      "last-modified": new Date(self.modifiedMs).toUTCString(),
      "cache-control": "private, no-store",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "content-disposition":
        `${isShown ? "inline" : "attachment"}; filename*=UTF-8''${encoded(self.name)}`,
      ...(range.isPart ? { "content-range": `bytes ${range.start}-${end}/${self.sizeBytes}` } : {}),
    })
    .serializer((it) => it as string)
    .send(bytes);
}

export interface Range {
  readonly start: number;
  readonly lengthBytes: number;
  readonly isPart: boolean;
}

/** What is no range of bytes is all of it, as RFC 9110 has it. */
export function rangeOf(header: string | undefined, sizeBytes: number): Range | "refused" {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  const [, first = "", last = ""] = found ?? [];
  if (found === null || (first === "" && last === "")) {
    return { start: 0, lengthBytes: sizeBytes, isPart: false };
  }
  const start = first === "" ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === "" || last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start >= sizeBytes || end < start) return "refused";
  return { start, lengthBytes: end - start + 1, isPart: true };
}

/** RFC 8187: encodeURIComponent leaves four characters that are none of it. */
function encoded(name: string): string {
  return encodeURIComponent(name).replace(/['()*]/g, (it) =>
    `%${it.charCodeAt(0).toString(16).toUpperCase()}`);
}

export async function problem(
  reply: FastifyReply, told: ReturnType<typeof problemOfRequest>,
): Promise<FastifyReply> {
  return await reply.code(told.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(told);
}
