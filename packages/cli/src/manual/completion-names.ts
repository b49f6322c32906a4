/** Names as they are at this moment, for a shell that completes them: at once and silently, or none. */
import { MortarClient } from "@mortar/api";
import { join } from "node:path";
import { Readable } from "node:stream";
import { runLvm } from "../lvm/index.ts";
import { runDirectoryOf } from "../node/daemon.ts";
import type { NameKind } from "./completion-words.ts";

/** Longer than that nobody waits for a key. */
const TIMEOUT_MS = 1_000;

export async function namesOf(kinds: readonly NameKind[], root: string): Promise<string[]> {
  const names = await Promise.all(kinds.map(async (kind) => await namesOfKind(kind, root)));
  return [...new Set(names.flat())];
}

async function namesOfKind(kind: NameKind, root: string): Promise<readonly string[]> {
  const socketPath = join(runDirectoryOf(root), "mortard.sock");
  const client = new MortarClient({ socketPath, timeoutMs: TIMEOUT_MS });
  try {
    switch (kind) {
      case "volume": {
        const answer = await client.volumeInfoAll();
        return answer.ok ? answer.result.map(({ name }) => name) : [];
      }
      case "snapshot": {
        const answer = await client.snapshotList();
        return answer.ok ? answer.result.map(({ name }) => name) : [];
      }
      case "schedule": {
        const answer = await client.scheduleList();
        return answer.ok ? answer.result.map(({ name }) => name) : [];
      }
      case "node": {
        const answer = await client.peerList();
        return answer.ok ? answer.result.map(({ hostname }) => hostname) : [];
      }
      case "lv": return await reported("lvs", ["vg_name", "lv_name"], root);
      case "vg": return await reported("vgs", ["vg_name"], root);
      default: return await reported("pvs", ["pv_name"], root);
    }
  } catch {
    // Nobody to ask, or not allowed: a shell has no place for the reason.
    return [];
  }
}

async function reported(tool: string, fields: readonly string[], root: string): Promise<string[]> {
  let text = "";
  const stdout = { write: (piece: string) => void (text += piece) };
  const stderr = { write: () => undefined };
  const words = ["--noheadings", "--separator", "/", "-o", fields.join(",")];
  await runLvm(tool, words, { stdout, stderr, stdin: Readable.from([]) }, { root });
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}
