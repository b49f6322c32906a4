/**
 * What the thin engine costs by itself, on devices that do nothing: `node bench/thin-lookup.mjs [MAPPINGS]`.
 * Prints nanoseconds an operation; the devices' own time comes on top.
 */
import { BufferJournal, checkPool, ThinPool } from "../packages/thin/dist/index.js";

const mappings = Number(process.argv[2] ?? 1_000_000);
const CHUNK = 65_536;
const bytes = new Uint8Array(Math.max(Math.ceil(mappings / 80), 512) * 4096);
const metadata = {
  sizeBytes: bytes.length,
  read: (offset, target) => target.set(bytes.subarray(offset, offset + target.length)),
  write: (offset, source) => bytes.set(source, offset),
  discard() {},
  flush() {},
};
const data = { sizeBytes: mappings * 2 * CHUNK, read() {}, write() {}, discard() {}, flush() {} };
const page = new Uint8Array(4096);

function measure(name, count, operation) {
  const begin = performance.now();
  for (let index = 0; index < count; index++) operation(index);
  const each = ((performance.now() - begin) * 1e6) / count;
  console.log(`${name.padEnd(44)} ${each.toFixed(0).padStart(9)} ns`);
}

/** Scatters, without repeating before it went round. */
const scattered = (index) => (index * 2_654_435_761) % mappings;
const options = { metadata, data, zeroNewBlocks: false };
ThinPool.format({ metadata, data, dataBlockSectors: 128 });
const journal = new BufferJournal(new Uint8Array(1024 + 32 * 65_536));
let pool = ThinPool.open({ ...options, journal });
pool.createThin(1);
let device = pool.device(1);
measure("first write, ascending", mappings / 2, (index) => device.write(index * CHUNK, page));
measure("first write, scattered", mappings / 2, (index) => {
  device.write((mappings / 2 + scattered(index * 2) / 2) * CHUNK, page);
});
pool.close();
measure(`open with ${mappings} mappings`, 1, () => {
  pool = ThinPool.open(options);
});
device = pool.device(1);
measure("look-up, ascending", mappings, (index) => device.lookup(index));
measure("look-up, scattered", 500_000, (index) => device.lookup(scattered(index)));
measure("overwrite, scattered", 500_000, (index) => device.write(scattered(index) * CHUNK, page));
measure("snapshot", 1, () => pool.createSnapshot(2, 1));
measure("first write after a snapshot, scattered", 50_000, (index) => {
  device.write(scattered(index) * CHUNK, page);
});
measure("commit of that", 1, () => pool.commit());
measure("check", 1, () => checkPool(metadata));
