/** The uuid of a node: made once, at its first start, and kept in STATE/node.json. */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "./durable-file.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Throws when the file is there and damaged: a node that changes its uuid loses its bricks. */
export function nodeUuid(stateDirectory: string): string {
  const file = join(stateDirectory, "node.json");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const uuid = randomUUID();
    writeDurably(file, `${JSON.stringify({ uuid })}\n`);
    return uuid;
  }
  const uuid = uuidIn(text);
  if (uuid === undefined) {
    throw new Error(
      `${file} does not hold the uuid of this node. Restore it from a backup; ` +
        "`mortar volume info --xml` of an older day shows the uuid as hostUuid.",
    );
  }
  return uuid;
}

function uuidIn(text: string): string | undefined {
  try {
    const { uuid } = JSON.parse(text) as { uuid?: unknown };
    return typeof uuid === "string" && UUID.test(uuid) ? uuid : undefined;
  } catch {
    return undefined;
  }
}
