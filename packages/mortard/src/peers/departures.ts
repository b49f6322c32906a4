/** Taking nodes out of the pool: those that leave, those that are dead, and those that did not get in. */
import {
  type ClusterState, type CommandArgs, CommandFailure, type CommandName, type Coordinator,
  type NodeDocument,
} from "@mortar/cluster";
import type { Log } from "../log.ts";

const LEAVE_MS_MAX = 30_000;
const EG_INTRNL = 30_800;

export interface DeparturesOptions {
  readonly uuid: string;
  readonly state: () => ClusterState;
  readonly coordinator: () => Coordinator;
  readonly resolveHost: (host: string) => Promise<string | undefined>;
  /** Whether it answers now. */
  readonly greet: (node: NodeDocument) => Promise<boolean>;
  readonly tell: (node: NodeDocument, path: string, body: object, timeoutMs: number) => Promise<void>;
  /** Members of etcd are those of the nodes that stay. Gives warnings. */
  readonly keepMembers: (stays: (node: NodeDocument) => boolean) => Promise<readonly string[]>;
  /** The state of the last node goes back into a file. */
  readonly toEmbedded: () => Promise<void>;
  readonly log: Log;
}

export class Departures {
  readonly #options: DeparturesOptions;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /** Throws `CommandFailure`, `EffectError` or `StoreError`. Gives warnings. */
  async detach(host: string, force: boolean): Promise<readonly string[]> {
    const { uuid, state, resolveHost, greet, keepMembers } = this.#options;
    const found = await resolveHost(host);
    const node = found === undefined ? undefined : state().nodes.get(found)?.document;
    const isOther = node !== undefined && node.uuid !== uuid;
    const isSilent = isOther && !(await greet(node));
    if (isSilent && !force) {
      const sentence = "One of the peers is probably down. Check with 'peer status'";
      throw new CommandFailure("node-in-use", EG_INTRNL, sentence, [{
        node: host,
        detail: "It does not answer.",
        nextStep: `If it will never come back: mortar peer detach ${host} force`,
      }]);
    }
    await this.#run("nodeRemove", { host, check: true, dead: isSilent });
    if (node === undefined) return [];
    // Its vote goes first: it leaves as soon as it hears that it was taken out.
    const warnings = await keepMembers((it) => it.uuid !== node.uuid);
    return [...warnings, ...(await this.#takeOut(node, { host, dead: isSilent }))];
  }

  /**
   * A probe that fails leaves nothing. A newcomer that has entered nevertheless is told so, or finds
   * out; where the state cannot be changed it stays listed, as one that does not answer.
   */
  async takeBack(uuid: string): Promise<void> {
    const node = this.#options.state().nodes.get(uuid)?.document;
    if (node === undefined) return;
    try {
      await this.#takeOut(node, { host: uuid, dead: true });
    } catch (error) {
      this.#options.log.warn({ node: uuid, err: error }, "what was not let in is still listed");
    }
  }

  async #takeOut(node: NodeDocument, args: CommandArgs<"nodeRemove">): Promise<string[]> {
    const { state, tell, coordinator, toEmbedded, log } = this.#options;
    await this.#run("nodeRemove", args);
    await tell(node, "/v1/peer/leave", {}, LEAVE_MS_MAX).catch(() => undefined);
    if (state().nodes.size > 1) return [];
    try {
      await coordinator().alone("peer detach", toEmbedded);
      return [];
    } catch (error) {
      log.error({ err: error }, "the state stays in etcd");
      return [`The state stays in etcd: ${(error as Error).message}`];
    }
  }

  async #run<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<void> {
    const answer = await this.#options.coordinator().run(name, args);
    if (answer.ok) return;
    throw new CommandFailure(answer.code, answer.opErrno, answer.opErrstr, answer.details);
  }
}
