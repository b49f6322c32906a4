/**
 * A change that is asked for twice is made once: who does not know whether a POST arrived sends it again
 * with the same `Idempotency-Key`, and is given the answer of the first.
 *
 * - A key is of whoever sent it: another's, with the same letters, is another key.
 * - A key is for one request. With another path or body it is refused.
 * - While the first is under way the second waits for it.
 * - A refusal changed nothing, so it is not kept: the next one is tried.
 * - Answers are held in memory, for a day; above KEPT_MAX or KEPT_BYTES_MAX the oldest go first. A
 *   daemon that was started again knows none of them.
 */
import { createHash } from "node:crypto";
import type { Problem } from "@mortar/api";
import { problemOfRequest } from "./problem.ts";
import type { Reply } from "./reply.ts";

const KEPT_MAX = 2_000;
const KEPT_BYTES_MAX = 4 * 1024 * 1024;
const KEPT_MS = 24 * 3600 * 1000;
const UNPROCESSABLE = 422;

export interface KeyedRequest {
  readonly key: string;
  /** Who asks. */
  readonly who: string;
  readonly path: string;
  readonly body: unknown;
}

interface Kept {
  readonly digest: string;
  readonly atMs: number;
  readonly answer: Promise<Reply<unknown>>;
  /** 0 while it is under way. */
  bytes: number;
}

export interface Once {
  readonly answer: Reply<unknown>;
  /** It is that of an earlier request. */
  readonly isRepeated: boolean;
}

export class IdempotentAnswers {
  readonly #nowMs: () => number;
  /** In the order in which they came. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  async once(request: KeyedRequest, make: () => Promise<Reply<unknown>>): Promise<Once> {
    this.#forgetOld();
    const id = JSON.stringify([request.who, request.key]);
    const digest = createHash("sha256")
      .update(JSON.stringify([request.path, request.body ?? null])).digest("hex");
    const found = this.#kept.get(id);
    if (found !== undefined) {
      if (found.digest === digest) return { answer: await found.answer, isRepeated: true };
      return { answer: { ok: false, problem: problemOfOtherRequest(request.key) }, isRepeated: false };
    }
    const answer = make();
    const kept: Kept = { digest, atMs: this.#nowMs(), answer, bytes: 0 };
    this.#kept.set(id, kept);
    try {
      const made = await answer;
      if (made.ok) this.#weigh(kept, JSON.stringify(made).length);
      else this.#kept.delete(id);
      return { answer: made, isRepeated: false };
    } catch (error) {
      this.#kept.delete(id);
      throw error;
    }
  }

  #weigh(kept: Kept, bytes: number): void {
    kept.bytes = bytes;
    this.#bytes += bytes;
    this.#forgetOld();
  }

  #forgetOld(): void {
    const over = this.#nowMs() - KEPT_MS;
    for (const [id, { atMs, bytes }] of this.#kept) {
      const isTooMuch = this.#kept.size > KEPT_MAX || this.#bytes > KEPT_BYTES_MAX;
      if (atMs > over && !isTooMuch) return;
      // What is under way is needed by whoever asks again.
      if (bytes === 0) continue;
      this.#kept.delete(id);
      this.#bytes -= bytes;
    }
  }
}

function problemOfOtherRequest(key: string): Problem {
  const detail = `The key ${key} came with another request before.`;
  const nextStep = "Take a new key for each change, and the same one only to send it again";
  return { ...problemOfRequest(UNPROCESSABLE, detail), object: key, nextStep };
}
