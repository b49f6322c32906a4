// What is shipped for Prometheus and Grafana: rules that fire in the incident each is for, on figures that
// there are.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const directory = join(root, "packaging/prometheus");
const rules = readFileSync(join(directory, "mortar-alerts.yml"), "utf8");
const incidents = readFileSync(join(directory, "mortar-alerts.test.yml"), "utf8");
const dashboard = readFileSync(join(root, "packaging/grafana/mortar.json"), "utf8");

test("each alert fires in its incident, with its words, and not before", async () => {
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  assert.ok(alerts.length > 10);
  for (const alert of alerts) {
    const own = incidents.split(/^ {2}- name: /m).find((it) => it.startsWith(`${alert}\n`));
    assert.match(own ?? "", /exp_labels/, `${alert} has no incident that it is to fire in`);
  }
  const told = await run("promtool", ["test", "rules", "mortar-alerts.test.yml"], { cwd: directory });
  assert.match(told.stdout + told.stderr, /SUCCESS/);
});

test("rules, incidents and dashboard ask for figures that mortard tells", () => {
  const sources = join(root, "packages/mortard/src/metrics");
  const code = readdirSync(sources).filter((it) => !it.includes(".test."))
    .map((it) => readFileSync(join(sources, it), "utf8")).join("");
  const told = new Set([...code.matchAll(/"((?:mortar|process)_[a-z_]+)"/g)].map(([, name]) => name!));
  assert.ok(told.size > 30);
  const panels = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] };
  const asked = panels.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  assert.ok(asked.length > 10);
  const series = [...incidents.matchAll(/series: '(.*)'/g)].map(([, it]) => it!);
  const expressions = [...rules.matchAll(/expr: (.*)/g)].map(([, it]) => it!);
  for (const expression of [...expressions, ...asked, ...series]) {
    for (const [name] of expression.matchAll(/\b(?:mortar|process)_[a-z_]+/g)) {
      assert.ok(told.has(name), `${name} is asked for and told by nobody`);
    }
  }
});
