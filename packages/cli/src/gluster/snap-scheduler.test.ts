/** A script written for snap_scheduler.py goes on, with the messages and exit codes it knows. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { firstMismatch, type RouteName, routes } from "@mortar/api";
import { recorder } from "../testing/recorder.ts";
import { scriptedClient } from "../testing/scripted-client.ts";
import { snapScheduler } from "./snap-scheduler.ts";

const job = (name: string, enabled = true) => ({
  name, volumes: ["vms"], cron: "*/5 * * * *", timeZone: "UTC", jitterMs: 0, keep: {},
  missed: "once", enabled, nextMs: [], snapshots: 0, interrupted: false,
});
const got = (method: string, result: unknown) => `< ${method} ${JSON.stringify(result)}`;
const refused = (method: string, type: string) => `x ${method} ${JSON.stringify({ type })}`;

async function run(line: readonly string[], answers: readonly string[]): Promise<[string, number]> {
  const io = recorder("");
  const { client, finish } = scriptedClient(answers, (route: RouteName, result) => {
    assert.equal(firstMismatch(routes[route].result, result), undefined);
  });
  const exitCode = await snapScheduler(line, io, { root: "/", client });
  finish();
  return [io.text().stdout, exitCode];
}

const said = (text: string) => `snap_scheduler: ${text}\n`;

test("the messages of every verb are stock's", async () => {
  const none = got("scheduleList", []);
  const one = got("scheduleList", [job("Job1")]);
  assert.deepEqual(await run(["init"], []), [
    said("Successfully initialised snapshot scheduler for this node"), 0,
  ]);
  assert.deepEqual(await run(["status"], [one]), [said("Snapshot scheduling status: Enabled"), 0]);
  assert.deepEqual(await run(["enable"], [none, got("scheduleSet", [])]), [
    said("Snapshot scheduling is enabled"), 0,
  ]);
  assert.deepEqual(await run(["enable"], [one]), [
    said("Failed to enable snapshot scheduling. Error: Snapshot scheduling is already enabled."), 8,
  ]);
  const add = ["add", "Job1", "*/5 * * * *", "vms"];
  assert.deepEqual(await run(add, [none, got("scheduleAdd", job("Job1"))]), [
    said("Successfully added snapshot schedule"), 0,
  ]);
  assert.deepEqual(await run(add, [one, refused("scheduleAdd", "schedule-exists")]), [
    said("Job1 already exists in schedule. Use 'edit' to modify Job1"), 11,
  ]);
  assert.deepEqual(await run(add, [none, refused("scheduleAdd", "volume-missing")]), [
    said("Volume vms does not exist. Create vms and retry."), 17,
  ]);
  assert.deepEqual(await run(["delete", "Job2"], [refused("scheduleDelete", "schedule-missing")]), [
    said("Failed to delete Job2. Error: No such job scheduled"), 12,
  ]);
  assert.deepEqual(await run(["list"], [none]), [said("No snapshots scheduled"), 0]);
});

test("the list has stock's columns", async () => {
  const [text] = await run(["list"], [got("scheduleList", [job("Job1")])]);
  assert.equal(
    text,
    "JOB_NAME         SCHEDULE         OPERATION        VOLUME NAME      \n" +
      `${"-".repeat(68)}\n` +
      "Job1             */5 * * * *      Snapshot Create  vms              \n",
  );
});

test("a job that is added while the scheduler is off is off too", async () => {
  const off = job("Job1", false);
  const answers = [
    got("scheduleList", [off]), got("scheduleAdd", job("Job2")), got("scheduleSet", [off]),
  ];
  assert.equal((await run(["add", "Job2", "0 0 * * *", "vms"], answers))[1], 0);
});

test("what stock refuses without asking is refused without asking", async () => {
  assert.equal((await run(["add", "a b", "0 0 * * *", "vms"], []))[1], 13);
  assert.equal((await run(["add", "a", "0 0 * * *", ""], []))[1], 14);
  const [text, exitCode] = await run(["edit", "a", "0 0 * *", "vms"], []);
  assert.equal(exitCode, 15);
  assert.match(text, /^snap_scheduler: Invalid Schedule[^]*Minute {12}\(range: 0-59\)\n$/);
  assert.equal((await run(["frobnicate"], []))[1], 16);
});
