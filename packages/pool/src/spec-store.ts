/**
 * The spec that a server started again will find. It is always written so that what the worker has
 * done, or was about to do when it died, fits it:
 *
 * - a message: the new transaction id and the messages are written first (the worker that finds
 *   itself one behind
 *   performs them), and once performed, the spec without them;
 * - a reload: the new spec first (segments are needed to open a pool that has grown), the old one
 *   again if refused;
 * - activate, deactivate, resize: afterwards, for asking again does no harm.
 */
import { readFileSync } from "node:fs";
import type { ControlReply, ControlRequest } from "./control.ts";
import { replaceFile } from "./run-directory.ts";
import { checkSpec } from "./spec-check.ts";
import type { LinearSpec, LinearVolumeSpec, PoolSpec, VolumeSpec } from "./spec.ts";

export class SpecStore {
  readonly #path: string;
  #spec: PoolSpec;

  constructor(path: string) {
    this.#path = path;
    this.#spec = checkSpec(JSON.parse(readFileSync(path, "utf8")));
  }

  get spec(): PoolSpec {
    return this.#spec;
  }

  /** Have the request performed, with the spec written before or after as it must be. */
  async around(
    request: ControlRequest,
    perform: () => Promise<ControlReply>,
  ): Promise<ControlReply> {
    const before = this.#spec;
    const ahead = specAhead(before, request);
    if (ahead !== undefined) this.#write(ahead);
    const reply = await perform();
    if (reply.ok) {
      const after = specAfter(this.#spec, request);
      if (after !== this.#spec) this.#write(after);
    } else if (ahead !== undefined) {
      this.#write(before);
    }
    return reply;
  }

  #write(spec: PoolSpec): void {
    replaceFile(this.#path, JSON.stringify(spec));
    this.#spec = spec;
  }
}

function specAhead(spec: PoolSpec, request: ControlRequest): PoolSpec | undefined {
  if (request.verb === "reload") return request.spec;
  if (
    request.verb !== "message" ||
    spec.kind !== "thin-pool" ||
    request.transactionId <= spec.transactionId
  ) {
    return undefined;
  }
  return { ...spec, transactionId: request.transactionId, messages: request.messages };
}

function specAfter(spec: PoolSpec, request: ControlRequest): PoolSpec {
  switch (request.verb) {
    case "message":
    case "reload":
      return spec.kind === "thin-pool" ? { ...spec, messages: [] } : spec;
    case "activate":
      return withVolumes(spec, [...others(spec, request.volume.name), request.volume]);
    case "deactivate":
      return withVolumes(spec, others(spec, request.name));
    case "resize": {
      const { sizeBytes } = request;
      const volumes: readonly VolumeSpec[] = spec.volumes;
      return withVolumes(
        spec,
        volumes.map((entry) => (entry.name === request.name ? { ...entry, sizeBytes } : entry)),
      );
    }
    default:
      return spec;
  }
}

function others(spec: PoolSpec, name: string): readonly VolumeSpec[] {
  const volumes: readonly VolumeSpec[] = spec.volumes;
  return volumes.filter((volume) => volume.name !== name);
}

function withVolumes(spec: PoolSpec, volumes: readonly VolumeSpec[]): PoolSpec {
  // The worker refuses a linear volume without segments, so what is kept here has them.
  return spec.kind === "linear"
    ? ({ ...spec, volumes: volumes as readonly LinearVolumeSpec[] } satisfies LinearSpec)
    : { ...spec, volumes };
}
