/** What answers the route of logs: this node's are read, another's are asked for over the peer port. */
import { conforms, type LogQuery, LogsTold } from "@mortar/api";
import { LogMissing, type NodeLogs } from "../logs/node-logs.ts";
import { PeerError } from "../peers/peer-error.ts";
import type { Handlers, NodeControl } from "./handlers.ts";
import { problemOfRequest } from "./problem.ts";
import { plain, type Reply } from "./reply.ts";

export interface LogControl extends Pick<NodeLogs, "read"> {
  /** Rejects with PeerError. */
  ask(node: string, query: LogQuery): Promise<unknown>;
}

const SELF = "self";
const MISSING = 404;
const UNREACHABLE = 503;

export function logHandlers(node: NodeControl): Pick<Handlers, "nodeLogs"> {
  return {
    nodeLogs: async ({ params, query }) => {
      const name = params["node"] ?? "";
      const { uuid, host } = node.status();
      try {
        if ([SELF, uuid, host].includes(name)) return plain(node.logs.read(query));
        const peer = node.pool.peers().find((it) => [it.uuid, it.hostname].includes(name));
        if (peer === undefined) return refusal(MISSING, name, `There is no node ${name}`);
        const told = await node.logs.ask(peer.uuid, query);
        if (conforms(LogsTold, told)) return plain(told);
        return refusal(UNREACHABLE, name, `What ${name} told are no logs: another version?`);
      } catch (error) {
        if (error instanceof LogMissing) return refusal(MISSING, name, error.message);
        if (error instanceof PeerError) return refusal(UNREACHABLE, name, error.message);
        throw error;
      }
    },
  };
}

function refusal(status: number, name: string, detail: string): Reply<never> {
  const type = status === MISSING ? "no-such-log" : "node-away";
  const problem = { ...problemOfRequest(409, detail), status, type, title: "The log cannot be read" };
  return { ok: false, problem: { ...problem, node: name, nextStep: "GET /v1/peers: which nodes answer?" } };
}
