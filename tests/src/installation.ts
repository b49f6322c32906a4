/** Another installation of Mortar: the whole tree at another place, without what only builds it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LiveNode } from "./live-node.ts";

const tree = fileURLToPath(new URL("../../", import.meta.url));

/** Below the node's directory, under another version, which is its name. */
export async function installed(node: LiveNode, version: string): Promise<string> {
  const target = join(node.directory, version);
  const modules = "! -name 'typescript' ! -name '@typescript' ! -name '*oxlint*' ! -name '.*'";
  await node.ok(
    `mkdir -p '${target}/node_modules' && cp -a '${tree}packages' '${target}/' && ` +
      `find '${tree}node_modules' -mindepth 1 -maxdepth 1 ${modules} -exec cp -a -t '${target}/node_modules' {} +`,
    { seconds: 120 },
  );
  for (const part of ["pool", "mortard"]) {
    const file = join(target, "packages", part, "package.json");
    const text = JSON.parse(readFileSync(file, "utf8")) as object;
    writeFileSync(file, JSON.stringify({ ...text, version }));
  }
  return target;
}
