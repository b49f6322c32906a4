import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { recorder } from "../testing/recorder.ts";
import { commandTable } from "./command-table.ts";
import { manual } from "./manual.ts";
import { helpText, subheading } from "./roff.ts";

const directory = mkdtempSync(join(tmpdir(), `mortar-manual-${process.pid}-`));
after(() => rmSync(directory, { recursive: true, force: true }));

test("the pages have every command, and mandoc and man find nothing wrong", async () => {
  assert.equal(await manual([directory], recorder("")), 0);
  const pages = readdirSync(directory).filter((name) => name.endsWith(".1"));
  const text = pages.map((name) => readFileSync(join(directory, name), "utf8")).join("");
  for (const { words } of commandTable()) assert.ok(text.includes(subheading(words.join(" "))), words.join(" "));
  for (const name of pages) {
    const file = join(directory, name);
    const lint = spawnSync("mandoc", ["-Tlint", "-W", "warning", file], { encoding: "utf8" });
    assert.equal(lint.error, undefined, "mandoc is needed (apt-get install mandoc)");
    assert.equal(lint.stdout + lint.stderr, "");
    const shown = spawnSync("man", ["--warnings", "-l", file], {
      encoding: "utf8", env: { ...process.env, MANWIDTH: "80", LC_ALL: "C.UTF-8" },
    });
    assert.deepEqual([shown.status, shown.stderr], [0, ""], name);
  }
});

test("nothing of a text is taken for a request, and backslashes and hyphens stay", () => {
  const text = helpText(".first of a line\n'second\nC:\\new --option\n\n-x  what `it` does\n      and more");
  assert.equal(
    text,
    ".PP\n\\&.first of a line 'second C:\\enew \\-\\-option\n.TP\n\\fB\\-x\\fR\nwhat \\fBit\\fR does and more\n",
  );
});
