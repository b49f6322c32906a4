/** From an error to LVM's lines on standard error and its exit code. */
import { Lvm2Error, VgError } from "@mortar/vg";
import { LvmExit } from "./lvm-exit.ts";
import type { Session } from "./session.ts";

/** Print what is wrong; returns the exit code. */
export function complain(session: Session, error: unknown): number {
  const { tool } = session.line;
  if (error instanceof LvmExit) {
    for (const line of error.lines) session.warn(line.replace(/^ {2}/, ""));
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  for (const line of message.split("\n")) session.warn(line.replace(/^ {2}/, ""));
  if (error instanceof VgError && error.code === "vg-missing") {
    const name = /^Volume group "(.*)" not found$/.exec(message)?.[1];
    if (name !== undefined) session.warn(`Cannot process volume group ${name}`);
  }
  if (error instanceof Lvm2Error && error.exitCode === 3) {
    session.warn(`Run \`${tool} --help' for more information.`);
    return 3;
  }
  return 5;
}
