// The image of packaging/container/Containerfile, built by buildah upon a base that is made here under the name that it
// asks for, and what it says of itself: the command line, mortard behind its entry point, a brick that clients mount.
// No registry of images is asked. Runs are chroots: the host's network, and mounts of their own, which end with them.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { MortarClient } from "@mortar/api";
import { endProcess, LiveNode, until } from "./live-node.ts";

const missing = ["buildah", "debootstrap"].filter((it) => !["/usr/bin", "/usr/sbin"].some((at) => existsSync(join(at, it))));
const skip = missing.length === 0 ? false : `not installed: ${missing.join(", ")} (apt-get install ${missing.join(" ")})`;
const options = { skip, timeout: 590_000 };

const tree = fileURLToPath(new URL("../..", import.meta.url));
const containerfile = join(tree, "packaging/container/Containerfile");
const node = new LiveNode();
const state = join(node.directory, "state");
const store = join(node.directory, "containers");
const buildah = `buildah --root ${store} --runroot ${store}-run --storage-driver vfs`;
const IMAGE = "mortar";
const pidFile = join(state, "run/mortar/mortard.pid");
let container = "";

after(async () => {
  if (existsSync(pidFile)) await node.run(beside("mortar down --force"), { seconds: 100 }).catch(() => undefined);
  await takeAway();
  await node.run(`${buildah} rm --all; ${buildah} rmi --all --force`, { seconds: 100 }).catch(() => undefined);
  await node.close();
});

/** What a failure left of the pool: its processes and devices are the machine's. */
async function takeAway(): Promise<void> {
  const pools = join(state, "run/mortar/pools");
  for (const entry of existsSync(pools) ? readdirSync(pools) : []) {
    for (const which of ["holder", "server"]) {
      const pid = Number(textOf(join(pools, entry, `${which}.pid`)));
      if (pid > 1 && textOf(`/proc/${pid}/cmdline`).includes(`/srv/mortar/run/mortar/pools/${entry}`)) endProcess(pid);
    }
    const group = `/dev/${entry.slice(0, entry.lastIndexOf("-"))}`;
    await node.run(`sleep 1; for it in ${group}/*; do losetup -d "$(readlink -f "$it")"; done; rm -rf ${group}`);
  }
  await node.run(`losetup -n -O NAME -j ${state}/pool.img | xargs -r losetup -d`);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

const CAP_SYS_RESOURCE = 24n;

/** With what docs/INSTALL.md says that a node in a container takes; this machine itself may lack one of it. */
function inside(line: string): string {
  const [, bounding = "0"] = /^CapBnd:\s+([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1")) ?? [];
  const lacks = ((BigInt(`0x${bounding}`) >> CAP_SYS_RESOURCE) & 1n) === 0n;
  const capabilities = `--cap-add all${lacks ? " --cap-drop CAP_SYS_RESOURCE" : ""}`;
  return `${buildah} run --isolation chroot ${capabilities} -v ${state}:/srv/mortar ${container} -- ${line}`;
}

/** In the container that mortard runs in, as `podman exec` does it. */
function beside(line: string): string {
  const pid = readFileSync(pidFile, "latin1").trim();
  return `nsenter --target ${pid} --mount --root --wd=/ env MORTAR_ROOT=/srv/mortar ${line}`;
}

test("the base that the Containerfile asks for is made of Debian and of Node.js", options, async () => {
  const bases = [...new Set([...readFileSync(containerfile, "utf8").matchAll(/^FROM (\S+)/gm)].map(([, name]) => name))];
  const [base, ...others] = bases;
  assert.deepEqual(others, [], "both stages are of one base");
  const [, suite] = /^docker\.io\/library\/node:20-([a-z]+)-slim$/.exec(base ?? "") ?? [];
  assert.ok(suite, base);
  await node.ok(`debootstrap --variant=minbase --include=ca-certificates,libstdc++6 ${suite} base >&2`, { seconds: 500 });
  // As in the official one: below /usr/local. What this machine trusts beyond Debian's list is needed to reach a registry.
  await node.ok(
    'mkdir -p base/usr/local/lib/node_modules && cp "$(readlink -f "$(command -v node)")" base/usr/local/bin/node && ' +
      'cp -a "$(dirname "$(readlink -f "$(command -v npm)")")/.." base/usr/local/lib/node_modules/npm && ' +
      "ln -s ../lib/node_modules/npm/bin/npm-cli.js base/usr/local/bin/npm && " +
      "cp /etc/ssl/certs/ca-certificates.crt base/etc/ssl/certs/",
  );
  const made = (await node.ok(`${buildah} from scratch`)).trim();
  const trusted = "--env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --env PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  await node.ok(
    `${buildah} add -q ${made} base / && ${buildah} config ${trusted} ${made} && ${buildah} commit -q ${made} ${base} && ` +
      `${buildah} rm ${made} && rm -rf base`,
    { seconds: 300 },
  );
});

test("the image is built of the checkout, and has no more than what it runs", options, async () => {
  await node.ok(
    `${buildah} build --isolation chroot --pull-never -f ${containerfile} -t ${IMAGE} ${tree} >&2`, { seconds: 580 },
  );
  container = (await node.ok(`${buildah} from --pull-never ${IMAGE}`, { seconds: 100 })).trim();
  mkdirSync(join(state, "etc/mortar"), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(tree, "packages/cli/package.json"), "utf8")) as { version: string };
  assert.equal(await node.ok(inside("mortar --version")), `mortar ${version}\n`);
  const left = await node.ok(inside("sh -c 'ls -d /tree /packs /root/.npm /var/lib/apt/lists/* 2>/dev/null || true'"));
  assert.equal(left, "");
});

interface Config {
  readonly OCIv1: { readonly config: { readonly Entrypoint: string[]; readonly Cmd: string[]; readonly Volumes: object } };
  readonly Docker: { readonly config: { readonly Healthcheck?: { readonly Test: string[] } } };
}

test("what it starts by itself is mortard, which answers inside, outside and over the network; and it is healthy", options, async () => {
  const { OCIv1, Docker } = JSON.parse(await node.ok(`${buildah} inspect --type image ${IMAGE}`)) as Config;
  assert.deepEqual(Object.keys(OCIv1.config.Volumes), ["/srv/mortar"]);
  const port = 24_000 + (process.pid % 900);
  const { address } = node;
  writeFileSync(join(state, "etc/mortar/mortar.json"), JSON.stringify({ address, web: { address, port, plain: true } }));
  const own = [...OCIv1.config.Entrypoint, ...OCIv1.config.Cmd].join(" ");
  // Isolated by no more than a chroot, the machine's /dev is there, and read-only.
  const daemon = node.start(inside(`sh -c 'mount -o remount,rw,bind /dev && exec ${own}'`), { seconds: 580 });
  const client = new MortarClient({ socketPath: join(state, "run/mortar/mortard.sock") });
  await until("mortard answers", async () => daemon.isRunning() && (await client.nodeStatus().catch(() => ({ ok: false }))).ok, 60);
  const status = JSON.parse(await node.ok(beside("mortar status --json"))) as { node: { address: string } };
  assert.equal(status.node.address, address);
  const health = Docker.config.Healthcheck?.Test.slice(1).join(" ");
  assert.equal(health ?? "mortar status", "mortar status", "an image of OCI's format keeps no check");
  assert.equal((await node.run(beside("mortar status"))).exitCode, 0);
  const { token } = JSON.parse(await node.ok(beside("mortar token create ann --role viewer --json"))) as { token: string };
  const asked = (headers: Record<string, string>) => fetch(`http://${address}:${port}/v1/volumes`, { headers });
  assert.equal((await asked({})).status, 401);
  const answer = await asked({ authorization: `Bearer ${token}` });
  assert.deepEqual(await answer.json(), { result: [], warnings: [], details: [] });
  const page = await fetch(`http://${address}:${port}/`);
  assert.match(await page.text(), /<title>Mortar<\/title>/);
});

test("a brick of a thin volume, made and served in it, is mounted by a client outside", options, async () => {
  const brick = `${node.address}:/srv/mortar/bricks/b1/brick`;
  await node.ok(beside(`mortar brick create ${brick} --size 400M --file /srv/mortar/pool.img --pool-size 700M`), { seconds: 100 });
  await node.ok(beside(`mortar volume create v ${brick} force`));
  await node.ok(beside("mortar volume start v"));
  await node.ok(`mkdir m && mount -t glusterfs -o log-file=${node.directory}/m.log ${node.address}:/v m`);
  await node.ok("yes mortar | head -c 4M > m/f && sync -f m");
  await node.ok(beside("mortar snapshot create s v no-timestamp"));
  await node.ok("rm m/f && sync -f m");
  const sum = "sha256sum | cut -c1-64";
  assert.equal(await node.ok(beside("mortar snapshot cat s /f") + ` | ${sum}`), await node.ok(`yes mortar | head -c 4M | ${sum}`));
  await node.ok("umount m");
  await node.ok(beside("mortar down"), { seconds: 100 });
  assert.deepEqual(node.scratch.left(), []);
});
