/**
 * Decides what a command line is: a command of GlusterFS, a tool of LVM, or a verb of Mortar.
 *
 * Under a stock name (`gluster`, `lvs`, …) the program is that tool. Under its own name the first
 * word decides. What a verb needs is loaded when it is called, and nothing else.
 */
import { basename, resolve } from "node:path";
import type { CliIo } from "./io.ts";

/** What LVM's tools give for a wrong command line. */
const LVM_EXIT_USAGE = 3;

/** Runs one command line and returns the exit code. `calledAs` is the name of the link. */
export async function runCommandLine(
  calledAs: string,
  argv: readonly string[],
  io: CliIo,
): Promise<number> {
  const line = splitRoot(argv);
  if (typeof line === "string") {
    io.stderr.write(`${line}\n`);
    return 1;
  }
  const name = basename(calledAs);
  if (name === "gluster") return gluster(line.words, io, line.root, true);
  if (name === "glusterd") {
    const { glusterd } = await import("./node/glusterd.ts");
    return glusterd(argv, io, { root: line.root ?? "/" });
  }
  if (name === "snap_scheduler.py") {
    const { snapScheduler } = await import("./gluster/snap-scheduler.ts");
    return snapScheduler(argv, io, { root: line.root ?? "/" });
  }
  if (isLvmName(name)) return lvm(name, line.words, io, line.root);
  return mortar(line, io);
}

interface Line {
  readonly root: string | undefined;
  readonly words: readonly string[];
}

/** Takes `--root DIR` from before the verb; a string is a complaint. */
function splitRoot(argv: readonly string[]): Line | string {
  const fromEnvironment = process.env["MORTAR_ROOT"];
  let root = fromEnvironment === "" ? undefined : fromEnvironment;
  const words: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (!word.startsWith("-")) {
      words.push(...argv.slice(index));
      break;
    }
    if (word === "--root" || word.startsWith("--root=")) {
      const value = word === "--root" ? argv[index + 1] : word.slice("--root=".length);
      if (value === undefined || value === "") return "--root needs a directory.";
      root = value;
      if (word === "--root") index += 1;
    } else {
      words.push(word);
    }
  }
  return { root: root === undefined ? undefined : resolve(root), words };
}

async function mortar(line: Line, io: CliIo): Promise<number> {
  const { words } = line;
  const position = words.findIndex((word) => !word.startsWith("-"));
  const verb = words[position];
  if (verb === undefined) return withoutVerb(words, io, line.root);
  const { isOwnVerb, runOwnVerb } = await import("./node/verbs.ts");
  if (isOwnVerb(verb)) {
    return runOwnVerb(verb, [...words.slice(0, position), ...words.slice(position + 1)], io, {
      root: line.root ?? "/",
    });
  }
  if (isLvmName(verb)) return lvmToldAsJson(verb, words.toSpliced(position, 1), io, line.root);
  if (verb === "pool") {
    const { isPoolVerb, runPoolVerb } = await import("./pool/pool-verbs.ts");
    const own = words.slice(position + 1);
    if (isPoolVerb(own)) return runPoolVerb(own, io, { root: line.root ?? "/" });
  }
  const { glusterWords } = await import("./gluster/first-words.ts");
  const meant = glusterWords.filter((word) => word.startsWith(verb));
  if (meant.length > 0) {
    const { asksForBricks, createWithBricks } = await import("./node/volume-place.ts");
    if (!asksForBricks(words)) return gluster(words, io, line.root, false);
    const create = (made: readonly string[]) => gluster(made, io, line.root, false);
    return createWithBricks(words, io, { root: line.root ?? "/" }, create);
  }
  return unknownVerb(verb, io, words.includes("--json"));
}

async function withoutVerb(
  words: readonly string[],
  io: CliIo,
  root: string | undefined,
): Promise<number> {
  if (words.includes("--version")) {
    const { mortarVersion } = await import("./version.ts");
    io.stdout.write(`mortar ${mortarVersion}\n`);
    return 0;
  }
  if (words.some((word) => word !== "--help" && word !== "-h")) return gluster(words, io, root, false);
  const { mortarHelp } = await import("./node/help.ts");
  io.stdout.write(mortarHelp());
  return 0;
}

async function gluster(
  words: readonly string[],
  io: CliIo,
  root: string | undefined,
  strict: boolean,
): Promise<number> {
  const { runGluster } = await import("./gluster/run-gluster.ts");
  return runGluster(words, io, { root: root ?? "/", strict });
}

async function lvm(
  tool: string,
  args: readonly string[],
  io: CliIo,
  root: string | undefined,
): Promise<number> {
  const { lvmTools, runLvm } = await import("./lvm/index.ts");
  if (!lvmTools.includes(tool)) return unknownVerb(tool, io);
  return runLvm(tool, args, io, { root });
}

/** `--json` is understood everywhere under this name; LVM has another word for it, and for reports only. */
async function lvmToldAsJson(
  tool: string, words: readonly string[], io: CliIo, root: string | undefined,
): Promise<number> {
  if (!words.includes("--json")) return await lvm(tool, words, io, root);
  const { lvmTools } = await import("./lvm/index.ts");
  if (!lvmTools.includes(tool)) return await unknownVerb(tool, io, true);
  const { toldAsJson } = await import("./told-as-json.ts");
  const isReport = ["lvs", "vgs", "pvs"].includes(tool);
  const others = words.filter((word) => word !== "--json");
  const args = isReport ? [...others, "--reportformat=json"] : others;
  return await toldAsJson(io, (inner) => lvm(tool, args, inner, root), {
    printsJson: isReport, problemType: (exitCode) => (exitCode === LVM_EXIT_USAGE ? "usage" : "refused"),
  });
}

/** Tells the tools of LVM from other words without loading them. */
function isLvmName(word: string): boolean {
  return /^(lv|vg|pv)[a-z]+$/.test(word);
}

async function unknownVerb(verb: string, io: CliIo, isJson = false): Promise<number> {
  const [{ suggestion }, { ownVerbs }, { lvmTools }, { glusterWords }] = await Promise.all([
    import("./suggestion.ts"),
    import("./node/verbs.ts"),
    import("./lvm/index.ts"),
    import("./gluster/first-words.ts"),
  ]);
  const near = suggestion(verb, [...ownVerbs, ...glusterWords, ...lvmTools]);
  if (isJson) {
    const { problemJson } = await import("./told-as-json.ts");
    const nextStep = `mortar ${near ?? "help"}`;
    io.stdout.write(problemJson({ type: "usage", detail: `unrecognized word: ${verb} (position 0)`, nextStep }));
    return 1;
  }
  io.stderr.write(`unrecognized word: ${verb} (position 0)\n`);
  io.stderr.write(near === undefined ? "Next: mortar help\n" : `Did you mean: mortar ${near}\n`);
  return 1;
}
