/**
 * Test reporter: a line for each file, with the seconds that its tests took, every failure with its
 * reason, every skip with its reason, and the closing line `N passed, N failed, N skipped`.
 */
import { relative } from "node:path";

export default async function* reporter(events) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  // Lint runs before the tests and counts as one of them.
  const lint = process.env.MORTAR_LINT;
  if (lint !== undefined) counts[lint] += 1;
  if (lint === "failed") yield "FAILED  lint: what is wrong is printed above\n";
  const files = new Map();
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const outcome = outcomeOf(type, data);
    if (outcome === undefined) continue;
    counts[outcome] += 1;
    const name = relative(process.cwd(), data.file ?? data.name).replace("/dist/", "/src/");
    const file = files.get(name) ?? { count: 0, milliseconds: 0 };
    file.count += 1;
    file.milliseconds += data.details?.duration_ms ?? 0;
    files.set(name, file);
    if (outcome === "skipped") yield `skipped  ${name}: ${data.name} (${reasonOf(data.skip)})\n`;
    if (outcome === "failed") yield `\nFAILED  ${name}\n  ${data.name}\n${errorText(data)}\n`;
  }
  for (const [name, { count, milliseconds }] of [...files].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    yield `${name}: ${count} (${(milliseconds / 1000).toFixed(1)} s)\n`;
  }
  yield `\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`;
}

/** Suites are not counted beside their tests, unless they failed by themselves. */
function outcomeOf(type, data) {
  if (data.skip !== undefined && data.skip !== false) return "skipped";
  const isSuite = data.details?.type === "suite";
  if (type === "test:pass") return isSuite ? undefined : "passed";
  return data.details?.error?.failureType === "subtestsFailed" ? undefined : "failed";
}

function reasonOf(skip) {
  return typeof skip === "string" && skip !== "" ? skip : "no reason given";
}

function errorText({ details }) {
  const cause = details?.error?.cause ?? details?.error;
  const text = cause?.stack ?? cause?.message ?? String(cause);
  return `${text}\n`.replaceAll(/^/gm, "    ").trimEnd();
}
