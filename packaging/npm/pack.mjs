/**
 * Packs what a user installs: `node packaging/npm/pack.mjs DIR` puts one tarball a public package into DIR. The tree
 * has to be built. Refuses a tree in which something built has no source any more: it would be shipped.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const tree = fileURLToPath(new URL("../../", import.meta.url));

/**
 * The packages of the workspace that are not private, by name.
 * @typedef {{ name: string, version: string, directory: string }} PublicPackage
 * @returns {PublicPackage[]}
 */
export function publicPackages() {
  return readdirSync(join(tree, "packages")).flatMap((entry) => {
    const file = join(tree, "packages", entry, "package.json");
    if (!existsSync(file)) return [];
    const { name, version, private: isPrivate } = JSON.parse(readFileSync(file, "utf8"));
    return isPrivate === true ? [] : [{ name, version, directory: `packages/${entry}` }];
  });
}

/**
 * @param {string} target directory, made when it is not there
 * @returns {(PublicPackage & { file: string, paths: string[] })[]} with the whole path of each tarball, and what is in it
 */
export function packPublic(target) {
  const packages = publicPackages();
  for (const { name, directory } of packages) refuseLeftovers(name, join(tree, directory));
  mkdirSync(target, { recursive: true });
  const words = ["pack", "--json", "--silent", "--pack-destination", resolve(target)];
  for (const { directory } of packages) words.push("--workspace", directory);
  const text = execFileSync("npm", words, { cwd: tree, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  /** @type {{ name: string, filename: string, files: { path: string }[] }[]} */
  const packed = JSON.parse(text.slice(text.indexOf("[\n")));
  return packages.map((it) => {
    const found = packed.find(({ name }) => name === it.name);
    if (found === undefined) throw new Error(`npm pack did not pack ${it.name}`);
    const file = join(resolve(target), found.filename.replace("@", "").replace("/", "-"));
    return { ...it, file, paths: found.files.map(({ path }) => path) };
  });
}

/** @param {string} name @param {string} directory */
function refuseLeftovers(name, directory) {
  if (!existsSync(join(directory, "dist"))) throw new Error(`${name} is not built. Next: npm run build`);
  if (!existsSync(join(directory, "dist/index.js"))) return;
  const left = readdirSync(join(directory, "dist"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".js") && !existsSync(join(directory, "src", path.replace(/js$/, "ts"))));
  if (left.length === 0) return;
  throw new Error(`${name}: built from sources that are gone: ${left.join(", ")}. Next: rm -r ${directory}/dist; npm run build`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = process.argv[2];
  if (target === undefined) throw new Error("which directory? node packaging/npm/pack.mjs DIR");
  for (const { name, file } of packPublic(target)) console.log(`${name}  ${file}`);
}
