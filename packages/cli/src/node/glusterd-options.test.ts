import assert from "node:assert/strict";
import { test } from "node:test";
import { recorder } from "../testing/recorder.ts";
import { parseGlusterd } from "./glusterd-options.ts";
import { glusterd } from "./glusterd.ts";

function good(...argv: string[]) {
  const options = parseGlusterd(argv);
  assert.ok(typeof options !== "string", JSON.stringify(options));
  return options;
}

test("options of the management volume say where a node keeps its files and listens", () => {
  const options = good(
    "--xlator-option", "management.working-directory=/d/1/glusterd",
    "--xlator-option", "management.run-directory=/d/1/run",
    "--xlator-option=management.transport.socket.bind-address=127.1.1.1",
    "--xlator-option", "management.glusterd-sockfile=/d/1/gd.sock",
    "--xlator-option", "management.logging-directory=/d/1/log",
    "--xlator-option", "management.transport.socket.keepalive-time=3",
    "--log-file=/d/1/g.log", "--pid-file=/d/1/glusterd.pid", "-LWARNING", "-N",
  );
  assert.deepEqual(options, {
    root: "/d/1/glusterd", address: "127.1.1.1", runDirectory: "/d/1/run",
    logDirectory: "/d/1/log", socketFile: "/d/1/gd.sock", pidFile: "/d/1/glusterd.pid",
    logFile: "/d/1/g.log", logLevel: "warn", foreground: true, upgrade: false, show: undefined,
  });
});

test("short options take their value from the same word or from the next", () => {
  for (const words of [["-p/x/pid", "-l/x/log", "-LDEBUG"], ["-p", "/x/pid", "-l", "/x/log", "-L", "DEBUG"]]) {
    const { pidFile, logFile, logLevel } = good(...words, "-f", "/etc/glusterfs/glusterd.vol");
    assert.deepEqual([pidFile, logFile, logLevel], ["/x/pid", "/x/log", "debug"]);
  }
});

test("an option that glusterd does not have is refused, and so is one without its value", () => {
  assert.equal(parseGlusterd(["--frobnicate"]), "unrecognized option '--frobnicate'");
  assert.equal(parseGlusterd(["--pid-file"]), "option '--pid-file' requires an argument");
  assert.equal(parseGlusterd(["-L", "LOUD"]), "unknown log level LOUD");
  assert.equal(parseGlusterd(["--xlator-option", "x"]), "invalid xlator option x");
});

test("what packages call after an upgrade starts nothing and succeeds", async () => {
  const io = recorder("");
  const words = ["--xlator-option", "*.upgrade=on", "-N"];
  assert.equal(await glusterd(words, io, { root: "/nonexistent/root" }), 0);
  assert.deepEqual(io.text(), { stdout: "", stderr: "" });
});

test("the version and the help are printed without a daemon", async () => {
  const io = recorder("");
  assert.equal(await glusterd(["--version"], io, { root: "/nonexistent/root" }), 0);
  assert.match(io.text().stdout, /^glusterfs 10\.3\n/);
  assert.equal(await glusterd(["--help"], io, { root: "/nonexistent/root" }), 0);
  assert.match(io.text().stdout, /--xlator-option management\.OPTION=VALUE/);
});
