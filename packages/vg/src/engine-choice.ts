/**
 * Which engine the operator wants. The first that says something holds:
 *
 *     vgchange -ay --engine kernel VG
 *     MORTAR_ENGINE=kernel
 *     ROOT/etc/mortar/mortar.json   { "engine": "kernel" }
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isErrno } from "@mortar/linux";
import { VgError } from "./vg-error.ts";

export type EngineName = "kernel" | "userspace";

/** `auto`: the kernel where it has device-mapper with dm-thin, else Mortar's own. */
export type EngineChoice = EngineName | "auto";

export const ENGINE_CHOICES: readonly EngineChoice[] = ["auto", "kernel", "userspace"];

/** `option` is the value of `--engine`. Throws VgError "not-supported" or "damaged". */
export function engineChoiceOf(
  root: string,
  option?: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): EngineChoice {
  if (option !== undefined) return parse(option, "--engine");
  const { MORTAR_ENGINE: word } = environment;
  if (word !== undefined && word !== "") return parse(word, "MORTAR_ENGINE");
  const path = join(root, "etc/mortar/mortar.json");
  const configured = configuredIn(path);
  return configured === undefined ? "auto" : parse(configured, path);
}

function parse(word: unknown, source: string): EngineChoice {
  const choice = ENGINE_CHOICES.find((one) => one === word);
  if (choice !== undefined) return choice;
  throw new VgError(
    "not-supported",
    `${source}: ${JSON.stringify(word)} is no engine. Give one of ${ENGINE_CHOICES.join(", ")}.`,
  );
}

function configuredIn(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
  try {
    return (JSON.parse(text) as { engine?: unknown } | null)?.engine;
  } catch (error) {
    throw new VgError("damaged", `${path}: ${(error as Error).message}`, { cause: error });
  }
}
