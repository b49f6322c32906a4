// Locks of programs on a stock client: what becomes of them when the volume's graph changes under it,
// and when the brick is killed. Whichever engine serves the brick, it is the same.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { endProcess, LiveNode, until } from "./live-node.ts";

const programs = ["/usr/sbin/glusterfs", "/usr/sbin/glusterfsd"];
const missing = programs.filter((it) => !existsSync(it));
const skip = missing.length === 0 ? false : `not installed: ${missing.join(", ")}`;
const node = new LiveNode();

after(async () => {
  await node.run("umount m-*; true");
  await node.close();
});

/** Locks files in three ways (`lockf` takes length and start), and writes to them again and again. */
const HOLDER = `
import fcntl, os, sys, time
directory, said = sys.argv[1:]
held = []
for name, how in ("posix", fcntl.lockf), ("flock", fcntl.flock):
    file = open(f"{directory}/{name}", "r+b", buffering=0)
    how(file, fcntl.LOCK_EX)
    held.append((name, file, how))
part = open(f"{directory}/part", "r+b", buffering=0)
fcntl.lockf(part, fcntl.LOCK_EX, 50, 100)
turn = 0
while True:
    turn += 1
    answers = []
    for name, file, how in held:
        try:
            os.pwrite(file.fileno(), b"turn", 0)
            answers.append(f"{name} written")
        except OSError as error:
            answers.append(f"{name} {error.strerror}")
    with open(f"{said}.new", "w") as file:
        file.write(" ".join([str(turn), *answers]))
    os.rename(f"{said}.new", said)
    time.sleep(0.2)
`;

/** Which of the locks another client gets at once. */
const TRIER = `
import fcntl, sys
def try_lock(name, how, *where):
    with open(f"{sys.argv[1]}/{name}", "r+b", buffering=0) as file:
        try:
            how(file, fcntl.LOCK_EX | fcntl.LOCK_NB, *where)
            return "free"
        except BlockingIOError:
            return "held"
print("posix", try_lock("posix", fcntl.lockf), "flock", try_lock("flock", fcntl.flock),
      "part", try_lock("part", fcntl.lockf, 50, 50), try_lock("part", fcntl.lockf, 1, 149),
      try_lock("part", fcntl.lockf, 0, 150))
`;

class Volume {
  readonly name: string;
  readonly engine: string;

  constructor(engine: string) {
    this.engine = engine;
    this.name = `locks-${engine}`;
  }

  get #logs(): string[] {
    return [1, 2].map((number) => join(node.directory, `${this.name}-${number}.log`));
  }

  async make(): Promise<void> {
    const { name, engine } = this;
    const { address, directory } = node;
    await node.ok(`mortar up; mkdir b-${engine} m-${engine}-1 m-${engine}-2`);
    await node.ok(`gluster volume create ${name} ${address}:${directory}/b-${engine}/exp force`);
    await node.ok(`gluster volume set ${name} mortar.brick-engine ${engine}`);
    await node.ok(`gluster volume start ${name}`);
    for (const [index, log] of this.#logs.entries()) {
      const point = `m-${engine}-${index + 1}`;
      await node.ok(`mount -t glusterfs -o log-file=${log} ${address}:/${name} ${point}`);
    }
    await node.ok(`cd m-${engine}-1 && for n in posix flock part; do echo content > $n; done`);
  }

  async tried(): Promise<string> {
    const text = await node.ok(`python3 ${node.directory}/trier.py m-${this.engine}-2`);
    return text.trim();
  }

  /** A new graph in both clients; a client takes it up when it is asked something. */
  async changeGraph(value: string): Promise<void> {
    const counts = this.#switches();
    await node.ok(`gluster volume set ${this.name} performance.io-cache ${value}`);
    await until("both clients have the new graph", async () => {
      await node.ok(`stat m-${this.engine}-1 m-${this.engine}-2`);
      return this.#switches().every((count, index) => count > counts[index]!);
    });
  }

  #switches(): number[] {
    return this.#logs.map((log) => readFileSync(log, "utf8").split("switched to graph").length);
  }

  /** Clients lose their connections. */
  async killBrick(): Promise<void> {
    const counts = this.#connections();
    const status = await node.ok(`gluster volume status ${this.name}`);
    const pid = Number(/\sY\s+(\d+)\s/.exec(status)?.[1]);
    assert.ok(pid > 1, status);
    endProcess(pid);
    await until("the brick is gone", () => !existsSync(`/proc/${pid}`));
    await node.ok(`gluster volume start ${this.name} force`);
    await until("both clients are back", () =>
      this.#connections().every((count, index) => count > counts[index]!));
  }

  #connections(): number[] {
    return this.#logs.map((log) =>
      readFileSync(log, "utf8").split(/Connected, attached to remote volume/).length);
  }
}

/** What happens to the locks, step by step. */
async function story(engine: string): Promise<string[]> {
  const volume = new Volume(engine);
  await volume.make();
  const said = join(node.directory, `said-${engine}`);
  const holder = node.start(
    `exec python3 ${node.directory}/holder.py m-${engine}-1 ${said}`, { seconds: 150 },
  );
  const told: string[] = [];
  const note = async (step: string): Promise<void> => {
    // Of a turn that began after the step.
    const from = Number(readTurn(said)[0] ?? 0) + 1;
    await until("the holder's next turn", () => Number(readTurn(said)[0] ?? 0) > from);
    told.push(`${step}: ${await volume.tried()}; ${readTurn(said).slice(1).join(" ")}`);
  };
  await note("locked");
  await volume.changeGraph("on");
  await note("another graph");
  await volume.changeGraph("off");
  await note("and another");
  await volume.killBrick();
  await note("the brick was killed");
  process.kill(holder.pid, "SIGTERM");
  await holder.ended;
  await until("the locks are given back", async () => !(await volume.tried()).includes("held"));
  return told;
}

function readTurn(said: string): string[] {
  return existsSync(said) ? readFileSync(said, "utf8").split(" ") : [];
}

test("locks outlive a change of the graph, and end as with glusterfsd when the brick does", {
  skip, timeout: 300_000,
}, async () => {
  writeFileSync(join(node.directory, "holder.py"), HOLDER);
  writeFileSync(join(node.directory, "trier.py"), TRIER);
  const theirs = await story("glusterfsd");
  const ours = await story("builtin");
  assert.deepEqual(ours, theirs);
  for (const step of ours.slice(0, 3)) {
    assert.match(step, /posix held flock held part free held free; posix written flock written$/);
  }
  console.log(ours.join("\n"));
});
