import { runBounded } from "./bounded.mjs";

/** Beyond its run time: to lay out files, to flush, to end. */
const MORE_SECONDS = 90;

/** Runs fio; answers { iops, mibps, p99us, maxUs, seconds } of the read or the write side. Throws when it hangs. */
export async function fio(options) {
  const words = Object.entries({ name: "bench", ...options }).map(([key, value]) =>
    value === true ? `--${key}` : `--${key}=${value}`);
  const seconds = (options.runtime ?? 0) + MORE_SECONDS;
  const stdout = await runBounded("fio", ["--output-format=json", "--group_reporting", ...words], seconds);
  const [job] = JSON.parse(stdout.slice(stdout.indexOf("{"))).jobs;
  const side = job.read.total_ios > 0 ? job.read : job.write;
  return {
    iops: side.iops,
    mibps: side.bw_bytes / 2 ** 20,
    p99us: (side.clat_ns.percentile?.["99.000000"] ?? 0) / 1000,
    maxUs: side.clat_ns.max / 1000,
    seconds: side.runtime / 1000,
  };
}
