/** Programs and waits that end: what takes too long is killed, and named. */
import { execFile } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";

const KILLED_MS = 5000;

/** Runs a program; answers what it printed. Throws when it fails, or was killed after `seconds`. */
export async function runBounded(program, words, seconds) {
  let child;
  const ended = new Promise((resolve, reject) => {
    child = execFile(program, words, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program}: ${stderr.trim().split("\n").at(-1) || error.message}`, { cause: error }));
      else resolve(stdout);
    });
  });
  try {
    return await within(ended, seconds, `${program} ${words.at(-1) ?? ""}`);
  } catch (error) {
    child.kill("SIGKILL");
    // One that hangs in the kernel does not end by this: nobody waits for it.
    await Promise.race([ended.catch(() => undefined), delay(KILLED_MS)]);
    throw error;
  }
}

/** Throws after `seconds`. */
export async function within(promise, seconds, what) {
  const timer = new AbortController();
  const late = delay(seconds * 1000, undefined, { signal: timer.signal }).then(
    () => {
      throw new Error(`${what}: not done in ${seconds} s`);
    },
    () => undefined,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/**
 * Until the condition holds; `given` tells why it never will.
 * @param {string} what @param {() => boolean} condition
 * @param {{ seconds?: number, given?: () => string | undefined }} options
 */
export async function until(what, condition, { seconds = 20, given } = {}) {
  const end = performance.now() + seconds * 1000;
  while (!condition()) {
    const why = given?.();
    if (why !== undefined) throw new Error(`${what}: ${why}`);
    if (performance.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
    await delay(20);
  }
}
