// The volfile is the one truth about a brick's options.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  brickVolfile, initialOptions, parseVolfile, printVolfile, volumeOptions,
} from "@mortar/gluster";
import { completeOptions } from "./options.ts";
import { BrickError } from "./store/brick-directory.ts";
import { OPTION_MEMBERS, REFUSED_TRANSLATORS, TRANSLATORS } from "./volfile-options.ts";
import { specOfVolfile } from "./volfile-spec.ts";

const id = "11112222-3333-4444-5555-666677778888";

function volfile(options: Record<string, string> = {}): string {
  return printVolfile(brickVolfile({
    name: "v", id, kind: "distribute", bricks: [{ host: "h", path: "/b" }],
    options: { ...initialOptions("distribute"), ...options },
    credentials: { username: "u", password: "p" },
  }, 0, { stateDirectory: "/s" }));
}

const specOf = (options: Record<string, string>) =>
  specOfVolfile(volfile(options), { controlSocket: "/c" });
const optionsOf = (options: Record<string, string>) => completeOptions(specOf(options).options);

test("volfiles of the stock daemon become specs, with nothing in them that is not known", () => {
  for (const name of ["dv", "rv", "ev", "av"]) {
    const file = `../../gluster/testdata/stock-volfiles/${name}/brick-2.vol`;
    for (const path of [file, file.replace("-2", "-0")]) {
      let text: string;
      try {
        text = readFileSync(new URL(path, import.meta.url), "utf8");
      } catch {
        continue;
      }
      const spec = specOfVolfile(text, { controlSocket: "/c", port: 49_152 });
      assert.equal(spec.volume, name);
      assert.equal(spec.path, spec.exportName);
      assert.deepEqual(spec.authentication?.logins?.length, 1);
      assert.deepEqual(spec.ignored?.filter(({ reason }) => reason === "it is not known"), []);
      const isArbiter = name === "av" && path.includes("brick-2");
      assert.equal(spec.options?.isArbiter, isArbiter);
    }
  }
});

test("every option that reaches a brick is honoured, ignored for a reason, or refused", () => {
  const place = { controlSocket: "/c" };
  const known = new Set<string>();
  for (const option of volumeOptions) {
    if (!TRANSLATORS.has(option.translator) || option.special || option.default === undefined) {
      continue;
    }
    const value = option.default.replace("{{ brick.path }}", "/b");
    const spec = specOfVolfile(volfile({ [option.name]: value }), place);
    const unknown = spec.ignored?.filter(({ reason }) => reason === "it is not known") ?? [];
    assert.deepEqual(unknown, [], option.name);
    known.add(`${option.translator}:${option.key}`);
  }
  assert.ok(known.size > 80, `${known.size} options`);
});

test("options mean what the volume's options say", () => {
  const cases: [string, string, object][] = [
    ["storage.reserve", "5", { reservePercent: 5, reserveBytes: 0 }],
    ["storage.reserve", "7%", { reservePercent: 7, reserveBytes: 0 }],
    ["storage.reserve", "10GB", { reserveBytes: 10 * 2 ** 30 }],
    ["storage.owner-uid", "36", { ownerUid: 36 }],
    ["storage.create-mask", "0750", { createMask: 0o750 }],
    ["storage.force-directory-mode", "0020", { forceDirectoryMode: 0o20 }],
    ["features.read-only", "on", { readOnly: true }],
    ["features.acl", "disable", { checksAccess: false }],
    ["features.ctime", "off", { keepsTimes: false }],
    ["server.root-squash", "on", { rootSquash: true }],
    ["server.gid-timeout", "2", { groupTimeoutSeconds: 2 }],
    ["features.barrier-timeout", "2m", { barrierSeconds: 120 }],
    ["transport.listen-backlog", "17", { listenBacklog: 17 }],
    ["network.tcp-window-size", "512KB", { windowBytes: 524_288 }],
    ["locks.mandatory-locking", "forced", { mandatoryLocking: "forced" }],
    ["features.enforce-mandatory-lock", "on", { enforcesMandatoryLock: true }],
  ];
  for (const [name, value, expected] of cases) {
    const options = optionsOf({ [name]: value });
    assert.deepEqual({ ...options, ...expected }, options, `${name} ${value}`);
  }
  assert.equal(optionsOf({}).tls, null);
  assert.equal(optionsOf({ "server.ssl": "on", "ssl.certificate-depth": "3" }).tls?.verifyDepth, 3);
  const spec = specOf({ "auth.allow": "/(10.*),/d(1.2.3.4|5.6.*)", "auth.ssl-allow": "a,b" });
  assert.deepEqual(spec.authentication?.allow, ["/(10.*)", "/d(1.2.3.4|5.6.*)"]);
  assert.deepEqual(spec.authentication?.certificateNames, ["a", "b"]);
});

test("a feature that is not served is refused by its name, and by what to do", () => {
  const features = {
    "features.trash": "on", "features.worm": "on", "features.quota": "on",
    "network.compression": "on", "storage.build-pgfid": "on", "changelog.changelog": "on",
  };
  for (const [name, value] of Object.entries(features)) {
    assert.throws(() => specOf({ [name]: value }), (error) => {
      assert.ok(error instanceof BrickError, String(error));
      assert.match(error.message, new RegExp(`^${name.replaceAll(".", "\\.")} .*glusterfsd`));
      return true;
    });
  }
});

test("a graph that is no brick's is refused", () => {
  const good = volfile();
  const bad = [
    good.replace("features/upcall", "features/unheard-of"),
    good.replace("option volume-id", "option volume-other"),
    good.slice(0, good.indexOf("volume v-server")),
    good.replace("option barrier-timeout 120", "option barrier-timeout soon"),
    good.replace("features/upcall", [...REFUSED_TRANSLATORS.keys()][1]!),
  ];
  for (const text of bad) {
    assert.throws(() => specOfVolfile(text, { controlSocket: "/c" }), BrickError);
  }
  assert.throws(() => specOfVolfile("volume", { controlSocket: "/c" }), /malformed|line 1/);
  assert.ok(parseVolfile(good).translators.length > 12);
  assert.ok(OPTION_MEMBERS.size > 40);
});
