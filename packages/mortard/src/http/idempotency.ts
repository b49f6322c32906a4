/**
 * A change that is asked for twice is made once: who does not know whether a POST arrived sends it again
 * with the same `Idempotency-Key`, to any node, and is given the answer of the first.
 *
 *     pool/once/SHA-256 of who and key    `KeyDocument`, in the cluster's store, for a day
 *
 * - A key is of whoever sent it: another's, with the same letters, is another key.
 * - A key is for one request. With another path or body it is refused.
 * - It is entered before the change is begun, with the node that makes it; the answer is put in when it
 *   is known. While the first is under way the second waits for it, on any node.
 * - A refusal changed nothing, so it is not kept: the next one is tried.
 * - Whose daemon ended before the answer was put in: nobody knows whether it was made. That is said.
 * - Answers above ANSWER_CHARACTERS_MAX are not kept; above KEPT_MAX keys the oldest go first.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Problem } from "@mortar/api";
import { type ClusterStore, StoreError } from "@mortar/store";
import { POOL_PREFIX } from "../cluster-keys.ts";
import type { Log } from "../log.ts";
import { problemOfMajority, problemOfRequest } from "./problem.ts";
import type { Reply } from "./reply.ts";

const PREFIX = `${POOL_PREFIX}once/`;
const KEPT_MAX = 2_000;
const ANSWER_CHARACTERS_MAX = 64 * 1024;
const KEPT_MS = 24 * 3600 * 1000;
const FORGET_EVERY_MS = 600_000;
const LOOK_MS = 250;
const WAIT_MS_MAX = 110_000;
const CONFLICT = 409;
const UNPROCESSABLE = 422;

export interface KeyedRequest {
  readonly key: string;
  /** Who asks. */
  readonly who: string;
  readonly path: string;
  readonly body: unknown;
}

interface KeyDocument {
  readonly schema: 1;
  /** SHA-256 of path and body, hex. */
  readonly digest: string;
  readonly atMs: number;
  /** Uuid of the node that makes it. */
  readonly node: string;
  readonly answer?: Reply<unknown> | "too-long";
}

export interface Once {
  readonly answer: Reply<unknown>;
  /** It is that of an earlier request. */
  readonly isRepeated: boolean;
}

export interface IdempotentAnswersOptions {
  readonly store: ClusterStore;
  readonly uuid: string;
  /** Whether another node's daemon is heard. */
  readonly isHeard: (node: string) => boolean;
  readonly nowMs: () => number;
  readonly log: Log;
  readonly lookMs?: number;
}

export class IdempotentAnswers {
  readonly #options: IdempotentAnswersOptions;
  /** Here: the next one waits until it has ended. */
  readonly #underWay = new Map<string, Promise<unknown>>();
  #forgottenAtMs = 0;

  constructor(options: IdempotentAnswersOptions) {
    this.#options = options;
  }

  async once(request: KeyedRequest, make: () => Promise<Reply<unknown>>): Promise<Once> {
    const key = PREFIX + digestOf([request.who, request.key]);
    for (let other = this.#underWay.get(key); other !== undefined; other = this.#underWay.get(key)) {
      await other.catch(() => undefined);
    }
    const turn = this.#claimed(key, request, make);
    this.#underWay.set(key, turn);
    try {
      return await turn;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #claimed(
    key: string, request: KeyedRequest, make: () => Promise<Reply<unknown>>,
  ): Promise<Once> {
    try {
      void this.#forgetOld();
      const earlier = await this.#claim(key, request);
      if (earlier !== undefined) return earlier;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return { answer: { ok: false, problem: problemOfMajority(error.message) }, isRepeated: false };
    }
    return { answer: await this.#make(key, make), isRepeated: false };
  }

  /** Undefined: it is this request's to be made. Rejects with StoreError. */
  async #claim(key: string, { path, body, key: name }: KeyedRequest): Promise<Once | undefined> {
    const { store, uuid, isHeard, nowMs, lookMs = LOOK_MS } = this.#options;
    const digest = digestOf([path, body ?? null]);
    const fromMs = performance.now();
    for (;;) {
      const entry = await store.get(key);
      const found = entry?.value as KeyDocument | undefined;
      if (found !== undefined && nowMs() - found.atMs < KEPT_MS) {
        const known = knownOf(found, digest, name);
        if (known !== undefined) return known;
        // One that this node makes was waited for: its daemon did not keep the answer.
        if (found.node === uuid || !isHeard(found.node)) return refused(problemOfLostAnswer(name));
        if (performance.now() - fromMs > WAIT_MS_MAX) return refused(problemOfSlowAnswer(name));
        await sleep(lookMs);
        continue;
      }
      const put: KeyDocument = { schema: 1, digest, atMs: nowMs(), node: uuid };
      const done = await store.transaction([{ key, expected: entry?.revision ?? "absent", put }]);
      if (done.committed) return undefined;
    }
  }

  async #make(key: string, make: () => Promise<Reply<unknown>>): Promise<Reply<unknown>> {
    try {
      const made = await make();
      await this.#keep(key, made);
      return made;
    } catch (error) {
      await this.#keep(key, undefined);
      throw error;
    }
  }

  /** What cannot be kept now is said to be lost to who asks again: that is true then. */
  async #keep(key: string, made: Reply<unknown> | undefined): Promise<void> {
    const { store, log } = this.#options;
    try {
      const entry = await store.get(key);
      if (entry === undefined) return;
      const { revision: expected, value } = entry;
      if (made?.ok !== true) {
        await store.transaction([{ key, expected, delete: true }]);
        return;
      }
      const isLong = JSON.stringify(made).length > ANSWER_CHARACTERS_MAX;
      const put = { ...value, answer: isLong ? "too-long" : made };
      await store.transaction([{ key, expected, put }]);
    } catch (error) {
      log.warn({ err: error }, "an answer is not kept for its key");
    }
  }

  async #forgetOld(): Promise<void> {
    const { store, nowMs, log } = this.#options;
    if (nowMs() - this.#forgottenAtMs < FORGET_EVERY_MS) return;
    this.#forgottenAtMs = nowMs();
    try {
      const kept = (await store.list(PREFIX)).map(({ key, revision, value }) =>
        ({ key, expected: revision, atMs: (value as KeyDocument).atMs }));
      const sorted = kept.sort((a, b) => b.atMs - a.atMs);
      for (const [index, { key, expected, atMs }] of sorted.entries()) {
        if (index < KEPT_MAX && nowMs() - atMs < KEPT_MS) continue;
        await store.transaction([{ key, expected, delete: true }]);
      }
    } catch (error) {
      log.warn({ err: error }, "keys of a day ago are not forgotten");
    }
  }
}

/** What is known of the earlier request; undefined: it is being made. */
function knownOf({ digest, answer }: KeyDocument, asked: string, name: string): Once | undefined {
  if (digest !== asked) return refused(problemOfOtherRequest(name));
  if (answer === "too-long") return refused(problemOfLongAnswer(name));
  return answer === undefined ? undefined : { answer, isRepeated: true };
}

function digestOf(of: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(of)).digest("hex");
}

function refused(problem: Problem): Once {
  return { answer: { ok: false, problem }, isRepeated: false };
}

function problemOfOtherRequest(key: string): Problem {
  const detail = `The key ${key} came with another request before.`;
  const nextStep = "Take a new key for each change, and the same one only to send it again";
  return { ...problemOfRequest(UNPROCESSABLE, detail), object: key, nextStep };
}

function problemOfLongAnswer(key: string): Problem {
  const detail = `What came with the key ${key} was made; its answer was too long to be kept.`;
  return { ...problemOfRequest(CONFLICT, detail), object: key, nextStep: "Ask for what is there now" };
}

function problemOfLostAnswer(key: string): Problem {
  const detail = `The daemon that was to make what came with the key ${key} ended meanwhile: ` +
    "whether it was made is not known.";
  const nextStep = "See whether it is there; if it is not, ask again with a new key";
  return { ...problemOfRequest(CONFLICT, detail), type: "interrupted", object: key, nextStep };
}

function problemOfSlowAnswer(key: string): Problem {
  const detail = `What came with the key ${key} is still being made.`;
  const nextStep = "Send it again later with the same key";
  return { ...problemOfRequest(CONFLICT, detail), type: "busy", object: key, nextStep };
}
