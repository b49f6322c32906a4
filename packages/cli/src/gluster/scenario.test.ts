import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { type RouteName, firstMismatch, routes } from "@mortar/api";
import { recorder } from "../testing/recorder.ts";
import { formatScenarios, parseScenarios, type Scenario } from "../testing/scenario.ts";
import { scriptedClient } from "../testing/scripted-client.ts";
import { runGluster, splitWords } from "./run-gluster.ts";

// Outputs were recorded from GlusterFS 10.3; UPDATE=1 rewrites them, and the diff is to be read.
const directory = fileURLToPath(new URL("../../testdata/gluster/", import.meta.url));
const update = process.env["UPDATE"] === "1";

for (const file of readdirSync(directory).filter((name) => name.endsWith(".txt"))) {
  const { comment, scenarios } = parseScenarios(readFileSync(directory + file, "utf8"));
  const outputs: Scenario[] = [];
  for (const scenario of scenarios) {
    test(`${file}: ${scenario.command}`, async () => {
      const output = await play(scenario);
      outputs.push({ ...scenario, output });
      if (!update) assert.equal(output, scenario.output);
    });
  }
  if (update) {
    test(`${file} is rewritten`, () => {
      writeFileSync(directory + file, formatScenarios(comment, outputs));
    });
  }
}

async function play({ command, given }: Scenario): Promise<string> {
  const [name, ...words] = splitWords(command);
  const answers = given.filter((line) => !line.startsWith("y "));
  const typed = given.filter((line) => line.startsWith("y ")).map((line) => `${line.slice(2)}\n`);
  const io = recorder(typed.join(""));
  const { client, finish } = scriptedClient(answers, checkResult);
  const exitCode = await runGluster(words, io, {
    root: "/",
    strict: name === "gluster",
    client,
  });
  finish();
  const text = io.marked();
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}exit ${exitCode}`;
}

function checkResult(route: RouteName, result: unknown): void {
  assert.equal(firstMismatch(routes[route].result, result), undefined, `answer of ${route}`);
}
