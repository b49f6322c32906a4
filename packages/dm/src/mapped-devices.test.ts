import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { listMappedDevices } from "./mapped-devices.ts";

function withTree(work: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "mortar-dm-"));
  try {
    work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function addDevice(tree: string, minor: number, name: string, holders: readonly string[]): void {
  const directory = join(tree, `dm-${minor}`);
  mkdirSync(join(directory, "dm"), { recursive: true });
  for (const holder of holders) mkdirSync(join(directory, "holders", holder), { recursive: true });
  mkdirSync(join(directory, "holders"), { recursive: true });
  const files = { dev: `253:${minor}`, size: "16", ro: "0" };
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(directory, file), `${text}\n`);
  }
  const mapped = { name, uuid: `LVM-${name}`, suspended: "1" };
  for (const [file, text] of Object.entries(mapped)) {
    writeFileSync(join(directory, "dm", file), `${text}\n`);
  }
}

test("mapped devices are listed by number, others and vanished ones are not", () => {
  withTree((tree) => {
    addDevice(tree, 10, "vg-b", []);
    addDevice(tree, 2, "vg-a", ["dm-10"]);
    mkdirSync(join(tree, "dm-3"));
    mkdirSync(join(tree, "sda"));
    const found = listMappedDevices(tree);
    assert.deepEqual(
      found.map(({ name }) => name),
      ["vg-a", "vg-b"],
    );
    assert.deepEqual(found[0], {
      name: "vg-a",
      uuid: "LVM-vg-a",
      path: "/dev/dm-2",
      deviceNumber: "253:2",
      sizeBytes: 8192,
      readOnly: false,
      suspended: true,
      holders: ["dm-10"],
    });
  });
});

test("a machine without sysfs has none", () => {
  assert.deepEqual(listMappedDevices("/nowhere"), []);
});
