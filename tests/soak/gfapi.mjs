/**
 * Our brick through libgfapi: fio with checksums, qemu-img and qemu-io on gluster:// URLs, and a guest whose disk lies
 * on a volume: its file system is made, filled, checked, and read again after another boot.
 */
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { brickStands } from "../../bench/brick-stands.mjs";
import { missingForLive } from "../../packages/brick/dist/live.fixture.js";
import { Guest, missingPackages } from "../interop/guest.mjs";
import { Report } from "../interop/report.mjs";

const run = promisify(execFile);
const BLOCK_DRIVERS = "/usr/lib/x86_64-linux-gnu/qemu/block-gluster.so";
const MIB = 2 ** 20;
const PATTERNS = [
  "write -P 0x5a 0 1M", "write -P 0xa5 65537 200000", "write -z 300k 64k", "discard 512k 128k", "flush",
  "read -P 0x5a 0 65537", "read -P 0xa5 65537 200000", "read -P 0 300k 64k", "read -P 0x5a 700k 300k",
];

/**
 * @param {{ kind?: string, log: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function runGfapi({ kind = "distribute", log }) {
  const missing = missingForLive();
  if (missing !== undefined) throw new Error(missing);
  if (!existsSync(BLOCK_DRIVERS)) throw new Error("QEMU has no gluster driver: apt install qemu-block-extra");
  const packages = missingPackages();
  if (packages.length > 0) throw new Error(`the guest needs: apt install ${packages.join(" ")}`);
  const report = new Report(log);
  const directory = mkdtempSync(join(tmpdir(), `mortar-gfapi-${process.pid}-`));
  const { stands, close } = await brickStands({ shape: kind, count: kind === "distribute" ? 1 : 3, kinds: ["ours"] });
  try {
    const [stand] = stands;
    const url = (name) => `gluster://${stand.address}:24007/${stand.kind}/${name}`;
    await verifyWithFio(report, stand);
    await images(report, url, directory);
    await guest(report, url, directory);
  } finally {
    await close();
    rmSync(directory, { recursive: true, force: true });
  }
  return report;
}

async function verifyWithFio(report, stand) {
  report.scenario("fio, ioengine=gfapi");
  for (const engine of ["gfapi", "gfapi_async"]) {
    for (const bs of ["4k", "1M", "512-70000"]) {
      const words = [
        "--name=verify", `--ioengine=${engine}`, `--volume=${stand.kind}`, `--brick=${stand.address}`,
        `--filename=fio-${engine}`, "--rw=randwrite", bs.includes("-") ? `--bsrange=${bs}` : `--bs=${bs}`, "--size=32M",
        "--iodepth=16", "--verify=crc32c", "--verify_fatal=1", "--do_verify=1", "--bs_unaligned",
      ];
      await attempt(report, `${engine}, ${bs}`, "fio", words);
    }
  }
}

async function images(report, url, directory) {
  report.scenario("qemu-img and qemu-io");
  const source = join(directory, "source");
  const bytes = Buffer.alloc(24 * MIB);
  for (let at = 0; at < bytes.length; at += 5 * MIB) randomBytes(MIB + 777).copy(bytes, at);
  writeFileSync(source, bytes);
  for (const format of ["raw", "qcow2"]) {
    const disk = url(`disk.${format}`);
    const img = (title, ...words) => attempt(report, `${format}: ${title}`, "qemu-img", words);
    await img("convert to it", "convert", "-O", format, source, disk);
    await img("compare", "compare", "-F", format, source, disk);
    await img("map", "map", "-f", format, "--output=json", disk);
    if (format === "qcow2") {
      await img("snapshot", "snapshot", "-c", "first", disk);
      await img("check", "check", disk);
    }
    const commands = PATTERNS.flatMap((pattern) => ["-c", pattern]);
    const io = await attempt(report, `${format}: qemu-io writes, zeroes, discards and reads`, "qemu-io", ["-f", format, ...commands, disk]);
    report.check(`${format}: every pattern is what was written`, !/failed/i.test(io), io);
    if (format === "qcow2") {
      await img("back to the snapshot", "snapshot", "-a", "first", disk);
      await img("compare with the source again", "compare", "-F", format, source, disk);
    }
    await img("grow", "resize", "-f", format, disk, "64M");
    const info = JSON.parse(await img("info", "info", "-f", format, "--output=json", disk));
    report.equal(`${format}: size`, info["virtual-size"], 64 * MIB);
    const copy = join(directory, `copy.${format}`);
    await img("convert from it", "convert", "-f", format, "-O", "raw", disk, copy);
    if (format === "qcow2") report.equal("the copy is the source", await digest(copy, bytes.length), await digest(source, bytes.length));
  }
  await attempt(report, "create with everything allocated", "qemu-img", ["create", "-f", "raw", "-o", "preallocation=full", url("full.raw"), "16M"]);
  await attempt(report, "an image on another", "qemu-img", ["create", "-f", "qcow2", "-b", url("disk.qcow2"), "-F", "qcow2", url("overlay.qcow2")]);
  await attempt(report, "write into it, and into what is below", "qemu-io", ["-c", "write -P 9 3M 1M", "-c", "read -P 9 3M 1M", url("overlay.qcow2")]);
  await attempt(report, "commit it", "qemu-img", ["commit", url("overlay.qcow2")]);
  await attempt(report, "the lower image has it", "qemu-io", ["-c", "read -P 9 3M 1M", url("disk.qcow2")]);
}

/** Two boots on the same disk, which nothing but QEMU has open. */
async function guest(report, url, directory) {
  report.scenario("a guest's disk");
  const disk = url("guest.raw");
  await attempt(report, "create", "qemu-img", ["create", "-f", "raw", disk, "400M"]);
  const home = join(directory, "guest");
  mkdirSync(home);
  const machine = new Guest(home);
  const fill = [
    "set -e; mkfs.xfs -q /dev/vda; mkdir -p /mnt/d; mount /dev/vda /mnt/d; cd /mnt/d",
    "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do dd if=/dev/urandom of=f$n bs=300k count=$n 2>/dev/null; done",
    "rm f3 f7; mkdir d; for n in $(seq 1 200); do echo $n >d/$n; done; sync",
    "find . -type f | sort | xargs sha256sum >/tmp/sums; cp /tmp/sums sums; cd /; umount /mnt/d; xfs_repair -n /dev/vda 2>/dev/null",
  ].join("\n");
  const check = [
    "set -e; mkdir -p /mnt/d; mount /dev/vda /mnt/d; cd /mnt/d; sha256sum -c sums >/dev/null; ls d | wc -l; fstrim /mnt/d",
    "cd /; umount /mnt/d; xfs_repair -n /dev/vda 2>/dev/null",
  ].join("\n");
  for (const [title, script] of [["makes a file system and fills it", fill], ["finds all of it after another boot", check]]) {
    const { steps: [step] } = await machine.run({ disks: [disk], physicalVolumes: 0, steps: [{ script }], timeLimitSeconds: 400 });
    report.check(title, step.status === 0, `${step.status}: ${step.stdout}${step.stderr}`);
    if (script === check) report.equal("entries of its directory", step.stdout.trim().split("\n")[0], "200");
  }
}

async function attempt(report, title, program, words) {
  try {
    const { stdout, stderr } = await run("timeout", ["--kill-after=1", "240", program, ...words], { maxBuffer: 2 ** 24 });
    report.check(title, true);
    return `${stdout}${program === "qemu-io" ? stderr : ""}`;
  } catch (error) {
    report.check(title, false, `${error.stdout ?? ""}${error.stderr ?? error.message}`.slice(-2000));
    return "{}";
  }
}

/** Of the first bytes of a file. */
async function digest(path, length) {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { end: length - 1 })) hash.update(chunk);
  return hash.digest("hex");
}
