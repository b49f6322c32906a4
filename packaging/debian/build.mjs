/**
 * Makes the Debian package: `node packaging/debian/build.mjs DIR` puts mortar_VERSION_ARCHITECTURE.deb into DIR.
 *
 * Made of what `npm pack` packs, of the modules of package-lock.json, and of what the command line prints of itself:
 * units of systemd, manual pages, completions. The tree has to be built, and npm to have its modules or a network.
 *
 *     /usr/lib/mortar/VERSION/packages/NAME       the packages; a directory of its own for each version,
 *     /usr/lib/mortar/VERSION/node_modules        for what runs goes on from the one that started it
 *     /usr/bin/mortar, /usr/sbin/mortard          links
 *     /etc/mortar/mortar.json                     conffile; members of the group mortar may use the socket
 *
 * DEBFULLNAME and DEBEMAIL say who maintains it.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { packPublic, tree } from "../npm/pack.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const CONFFILES = ["/etc/mortar/mortar.json", "/etc/logrotate.d/mortar"];
const SCRIPTS = ["preinst", "postinst", "prerm", "postrm"];
/** Of the modules: what only builds them, and what is for other machines. */
const NOT_RUN = [
  "koffi/lib", "koffi/vendor", "koffi/doc", "lmdb/src", "lmdb/dependencies", "lmdb/test", "lmdb/dict",
  ".bin", ".package-lock.json", ".vite", "@mortar/sim", "@mortar/tests",
];

/** @param {string} program @param {readonly string[]} words @param {import("node:child_process").ExecFileSyncOptions} [options] */
function run(program, words, options = {}) {
  return String(execFileSync(program, words, { stdio: ["ignore", "pipe", "inherit"], ...options }));
}

/**
 * @param {string} target directory
 * @param {{ version?: string }} [wish] another version than the packages', for tests of an upgrade
 * @returns {string} the whole path of the package
 */
export function buildDebian(target, wish = {}) {
  const work = mkdtempSync(join(tmpdir(), "mortar-deb-"));
  try {
    const packed = packPublic(join(work, "packs"));
    const version = wish.version ?? packed.find(({ name }) => name === "@mortar/cli")?.version ?? "";
    const stage = join(work, "stage");
    const place = `/usr/lib/mortar/${version}`;
    stageProgram(join(stage, place), packed, version);
    stageSettings(stage, place);
    stagePrinted(stage, join(stage, place, "packages/cli/dist/main.js"));
    stageDocuments(stage, version);
    return pack(stage, resolve(target), version);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {string} place @param {ReturnType<typeof packPublic>} packed @param {string} version */
function stageProgram(place, packed, version) {
  for (const name of ["package.json", "package-lock.json", "packages/sim/package.json", "tests/package.json"]) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    cpSync(join(tree, name), join(place, name));
  }
  for (const { directory, file } of packed) {
    mkdirSync(join(place, directory), { recursive: true });
    run("tar", ["xzf", file, "-C", join(place, directory), "--strip-components=1"]);
    rmSync(join(place, directory, "LICENSE"));
  }
  run("npm", ["ci", "--omit=dev", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--silent"], { cwd: place });
  for (const name of ["package.json", "package-lock.json", "packages/sim", "tests"]) rmSync(join(place, name), { recursive: true });
  for (const name of NOT_RUN) rmSync(join(place, "node_modules", name), { recursive: true, force: true });
  for (const { directory } of packed) {
    const file = join(place, directory, "package.json");
    const text = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, `${JSON.stringify({ ...text, version }, undefined, 2)}\n`);
  }
  withoutOthers(join(place, "node_modules"));
}

/**
 * Away with what nobody runs: tests and settings of other people's packages, programs for another C library. And with
 * modes that a file has by chance.
 * @param {string} modules
 */
function withoutOthers(modules) {
  for (const entry of readdirSync(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const isOfPackage = existsSync(join(entry.parentPath, "package.json"));
    const isNotRun = entry.name.startsWith(".") || /^eslint\.config|\.musl\.node$|\.(md|html|cc|hh|asm|S|natvis)$/.test(entry.name) ||
      (isOfPackage && /^(tests?|docs?|examples?|benchmarks?|integration|scripts)$/.test(entry.name));
    if (isNotRun && !/licen[cs]e/i.test(entry.name)) rmSync(path, { recursive: true, force: true });
    else if (entry.isFile() && existsSync(path)) chmodSync(path, 0o644);
  }
}

/** @param {string} stage @param {string} place */
function stageSettings(stage, place) {
  const programs = { mortar: `${place}/packages/cli/dist/main.js`, mortard: `${place}/packages/mortard/dist/main.js` };
  for (const [name, link] of [["mortar", "usr/bin/mortar"], ["mortard", "usr/sbin/mortard"]]) {
    const program = name === "mortar" ? programs.mortar : programs.mortard;
    const text = readFileSync(join(stage, program), "utf8");
    writeFileSync(join(stage, program), text.replace(/^#!.*/, "#!/usr/bin/node"));
    chmodSync(join(stage, program), 0o755);
    mkdirSync(dirname(join(stage, link ?? "")), { recursive: true });
    symlinkSync(program.replace("/usr/", "../"), join(stage, link ?? ""));
  }
  const dump = `import { installedFiles } from ${JSON.stringify(join(stage, place, "packages/cli/dist/node/install-files.js"))};
    console.log(JSON.stringify(installedFiles(${JSON.stringify({ root: "/", node: "/usr/bin/node", packaged: true, ...programs })})));`;
  /** @type {{ path: string, text: string }[]} */
  const files = JSON.parse(run(process.execPath, ["--input-type=module", "--eval", dump]));
  for (const { path, text } of files) write(stage, path, text);
  write(stage, "etc/mortar/mortar.json", readFileSync(join(here, "mortar.json"), "utf8"));
  write(stage, "etc/logrotate.d/mortar", readFileSync(join(here, "mortar.logrotate"), "utf8"));
  mkdirSync(join(stage, "etc/mortar/hooks/snapshot"), { recursive: true });
  for (const path of ["var/lib/mortar", "var/log/mortar"]) {
    mkdirSync(join(stage, path), { recursive: true });
    chmodSync(join(stage, path), 0o700);
  }
}

/** What the command line prints of itself. @param {string} stage @param {string} main */
function stagePrinted(stage, main) {
  const printed = (/** @type {string[]} */ ...words) => run(process.execPath, [main, ...words]);
  write(stage, "usr/share/bash-completion/completions/mortar", printed("completion", "bash"));
  write(stage, "usr/share/zsh/vendor-completions/_mortar", printed("completion", "zsh"));
  write(stage, "usr/share/fish/vendor_completions.d/mortar.fish", printed("completion", "fish"));
  const pages = join(stage, "man");
  printed("manual", pages);
  for (const name of readdirSync(pages)) {
    write(stage, `usr/share/man/man${name.at(-1)}/${name}.gz`, gzip(readFileSync(join(pages, name))));
  }
  rmSync(pages, { recursive: true });
}

/** @param {string} stage @param {string} version */
function stageDocuments(stage, version) {
  const share = "usr/share/doc/mortar";
  const changes = `mortar (${version}) unstable; urgency=medium\n\n  * Built from the tree of this version.\n\n -- ${maintainer()}  ${dated()}\n`;
  write(stage, `${share}/changelog.gz`, gzip(Buffer.from(changes)));
  write(stage, `${share}/copyright`, readFileSync(join(here, "copyright"), "utf8"));
  write(stage, "usr/share/lintian/overrides/mortar", readFileSync(join(here, "lintian-overrides"), "utf8"));
  cpSync(join(tree, "docs"), join(stage, share, "docs"), { recursive: true });
  for (const name of ["grafana", "prometheus"]) {
    cpSync(join(tree, "packaging", name), join(stage, share, "examples", name), { recursive: true });
  }
}

/** @param {string} stage @param {string} target @param {string} version @returns {string} */
function pack(stage, target, version) {
  const architecture = run("dpkg", ["--print-architecture"]).trim();
  const size = run("du", ["-sk", "--apparent-size", stage]).split("\t")[0] ?? "";
  const filled = (/** @type {string} */ name) =>
    readFileSync(join(here, name), "utf8").replaceAll("@VERSION@", version).replaceAll("@ARCHITECTURE@", architecture)
      .replaceAll("@SIZE@", size).replaceAll("@MAINTAINER@", maintainer());
  write(stage, "DEBIAN/control", filled("control"));
  write(stage, "DEBIAN/conffiles", CONFFILES.map((path) => `${path}\n`).join(""));
  for (const name of SCRIPTS) {
    write(stage, `DEBIAN/${name}`, filled(name));
    chmodSync(join(stage, "DEBIAN", name), 0o755);
  }
  run("chmod", ["-R", "u=rwX,go=rX", join(stage, "usr"), join(stage, "etc"), join(stage, "DEBIAN")]);
  writeFileSync(join(stage, "DEBIAN/md5sums"), sums(stage));
  mkdirSync(target, { recursive: true });
  const file = join(target, `mortar_${version}_${architecture}.deb`);
  run("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", stage, file]);
  return file;
}

/** @param {string} stage */
function sums(stage) {
  const command = "find . -path ./DEBIAN -prune -o -type f -print0 | sort -z | xargs -0 md5sum | sed 's# \\./# #'";
  const text = run("bash", ["-c", command], { cwd: stage, maxBuffer: 1 << 26 });
  return text.split("\n").filter((line) => !CONFFILES.some((path) => line.endsWith(path))).join("\n");
}

/** @param {string} stage @param {string} path @param {string | Uint8Array} content */
function write(stage, path, content) {
  mkdirSync(dirname(join(stage, path)), { recursive: true });
  writeFileSync(join(stage, path), content);
}

/** @param {Uint8Array} content */
function gzip(content) {
  return gzipSync(content, { level: 9 });
}

function maintainer() {
  const { DEBFULLNAME: name = "Mortar developers", DEBEMAIL: mail = "maintainers@mortar.example.org" } = process.env;
  return `${name} <${mail}>`;
}

/** When the sources are of, in the words of RFC 5322. */
function dated() {
  const stamp = process.env["SOURCE_DATE_EPOCH"];
  const at = stamp === undefined ? new Date() : new Date(Number(stamp) * 1000);
  return at.toUTCString().replace("GMT", "+0000");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const target = process.argv[2];
  if (target === undefined) throw new Error("which directory? node packaging/debian/build.mjs DIR");
  if (!existsSync(join(tree, "packages/web/dist/page/index.html"))) throw new Error("the page is not built. Next: npm run build");
  console.log(buildDebian(target));
}
