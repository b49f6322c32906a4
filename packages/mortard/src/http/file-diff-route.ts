/** `POST /v1/snapshot-diff/files`: which files differ, as lines of JSON while they are found. */
import { conforms, FILE_DIFF_PATH, FileDiffBody, firstMismatch } from "@mortar/api";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { BrowseError } from "../browse/browse-error.ts";
import { type ContentRouteOptions, problem, volumeOf } from "./file-handlers.ts";
import type { NodeControl } from "./handlers.ts";
import { problemOfBrowse, problemOfRequest } from "./problem.ts";

const LIVE = "live";
const BAD_REQUEST = 400;

export function registerFileDiff(server: FastifyInstance, { node, admit }: ContentRouteOptions): void {
  server.post(FILE_DIFF_PATH, { schema: { hide: true } }, async (request, reply) => {
    admit(request);
    return await answer(node, request, reply);
  });
}

async function answer(node: NodeControl, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const asked: unknown = request.body;
  if (!conforms(FileDiffBody, asked)) {
    const detail = `body: ${firstMismatch(FileDiffBody, asked) ?? "no JSON"}`;
    return await problem(reply, problemOfRequest(BAD_REQUEST, detail));
  }
  const { from, to, limit } = asked;
  const of = await volumeOf(node, from, asked.volume);
  if (!of.ok) return await problem(reply, of.problem);
  const { volume } = of.result;
  const isLive = to === LIVE || to === volume;
  if (!isLive) {
    const other = await volumeOf(node, to, volume);
    if (!other.ok) return await problem(reply, other.problem);
  }
  try {
    const lines = await node.files.diff({
      volume, from, ...(isLive ? {} : { to }), ...(limit === undefined ? {} : { limit }),
    });
    // Who does not read any more ends the comparison.
    reply.raw.once("close", () => lines.destroy());
    return await reply.type("application/x-ndjson").serializer((it) => it as string).send(lines);
  } catch (error) {
    if (error instanceof BrowseError) return await problem(reply, problemOfBrowse(error));
    throw error;
  }
}
