/**
 * Whether this installation can run at all: loads what a server loads, up to its native code, and
 * prints the version. For those who are about to replace a running server by one from here.
 */
import * as fuse from "@mortar/fuse";
import { bootId } from "@mortar/linux";
import { ThinPool } from "@mortar/thin";
import "./control-handler.ts";
import "./control-server.ts";
import "./holder-succession.ts";
import "./nbd-host.ts";
import { ownProgram, versionOf } from "./program.ts";
import "./served-files.ts";
import "./space-keeper.ts";
import "./transfer-lanes.ts";
import "./worker-loop.ts";

if (bootId() === "" || typeof ThinPool !== "function" || typeof fuse.FuseSession !== "function") {
  throw new Error("the modules of this installation do not fit each other");
}
process.stdout.write(`${versionOf(ownProgram)}\n`);
