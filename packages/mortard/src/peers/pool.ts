/**
 * The trusted pool as one node has it: the other nodes, how to reach them, who is let in and taken
 * out, and where the state of all of them is.
 */
import type { Readable } from "node:stream";
import {
  type EventQuestion, type EventsTold, type LogQuery, type LogsTold, type Peer, TRANSFER_HEADER,
  TRANSFER_TYPE,
} from "@mortar/api";
import {
  type ClusterState, type CommandArgs, CommandFailure, type CommandName, type Coordinator, Fence,
  type NodeDeclaration, type NodeDocument,
} from "@mortar/cluster";
import { AUTHORITY_KEY } from "../cluster-keys.ts";
import type { OpenState, StatePlaces } from "../etcd/open-state.ts";
import { type MemberStart, PoolMembers } from "../etcd/pool-members.ts";
import { StateMover } from "../etcd/state-mover.ts";
import { StateWatch, type StateView } from "../etcd/state-watch.ts";
import type { Log } from "../log.ts";
import type { TransferKind, Transfers } from "../transfer/transfers.ts";
import { openPeerStream } from "./peer-stream.ts";
import type { ClockVerdict } from "./clock-skew.ts";
import { Departures } from "./departures.ts";
import { effectRoutes } from "./effect-routes.ts";
import type { JoinEnter } from "./join-wire.ts";
import { type JoinRequest, Newcomer } from "./newcomer.ts";
import { PeerClient } from "./peer-client.ts";
import { PeerError } from "./peer-error.ts";
import { clockVerdict, contactOf, peerList } from "./peer-list.ts";
import { PeerServer } from "./peer-server.ts";
import { type Hello, PeerWatch } from "./peer-watch.ts";
import { PoolNodes } from "./pool-nodes.ts";
import { PoolRecovery } from "./pool-recovery.ts";
import { PoolTrust } from "./pool-trust.ts";
import { declarationOf, Prober } from "./probe.ts";
import { type LocalEffectPerformer, RemotePerformer } from "./remote-performer.ts";
import { resolveHost } from "./resolve-host.ts";
import { TrustedNetworks } from "./trusted-networks.ts";

export interface PoolSettings {
  readonly address: string | undefined;
  readonly hostNames: readonly string[];
  readonly glusterPort: number;
  /** Members of etcd have the two ports after it, for clients and for each other. */
  readonly peerPort: number;
  readonly trustedNetworks: readonly string[];
}

export interface PoolOptions {
  readonly uuid: string;
  readonly host: string;
  readonly version: string;
  readonly snapMountRoot: string;
  readonly settings: PoolSettings;
  readonly places: StatePlaces;
  readonly state: OpenState;
  readonly coordinator: () => Coordinator;
  readonly transfers: () => Transfers;
  readonly local: LocalEffectPerformer;
  /** Of this node. Throws for what is no question. */
  readonly events: (question: unknown) => EventsTold;
  /** Of this node. Throws for what is no question. */
  readonly logs: (question: unknown) => LogsTold;
  /** The state was exchanged for another one. */
  readonly exchanged: () => void;
  /** This node may not be as the state says: it was cut off, or another one came back. */
  readonly outOfStep: () => void;
  readonly log: Log;
}

export type ProbeOutcome = "success" | "localhost" | "known";

const MEMBER_MS_MAX = 30_000;
const EVENTS_MS_MAX = 3_000;
const KEEP_EVERY_MS = 60_000;

export class Pool {
  readonly performer: RemotePerformer;
  readonly #options: PoolOptions;
  readonly #client: PeerClient;
  readonly #nodes: PoolNodes;
  readonly #watch: PeerWatch;
  readonly #server: PeerServer;
  readonly #newcomer: Newcomer;
  readonly #prober: Prober;
  readonly #mover: StateMover;
  readonly #members: PoolMembers;
  readonly #departures: Departures;
  readonly recovery: PoolRecovery;
  #fence = new Fence();
  #isServing = false;
  #isLeaving = false;
  #timers: NodeJS.Timeout[] = [];
  readonly #trust: PoolTrust;
  readonly #stateWatch: StateWatch;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#nodes = new PoolNodes({
      ...options, state: () => this.#state(), isCluster: () => this.isCluster,
    });
    this.#stateWatch = new StateWatch(options.state.store, this.isCluster);
    const { uuid, host, version, settings, places, state, local, log } = options;
    const { tls } = state;
    const networks = new TrustedNetworks(settings.trustedNetworks);
    this.#client = new PeerClient(tls, settings.address, () => this.#cluster());
    this.#watch = new PeerWatch({
      client: this.#client,
      nodes: () => this.#nodes.others().map((it) => ({ uuid: it.uuid, address: this.#nodes.peerAddress(it) })),
      onReturn: () => options.outOfStep(),
      log,
    });
    this.performer = new RemotePerformer({
      uuid,
      local,
      client: this.#client,
      fence: () => this.#fence,
      addressOf: (node) => this.#nodes.addressOf(node),
      heard: (node) => this.#watch.heard(node),
      lost: (node) => this.#watch.lost(node),
    });
    this.#mover = new StateMover({ uuid, places, state, log, exchanged: () => this.#exchanged() });
    this.recovery = new PoolRecovery({
      uuid, host, state, contactOf, log,
      mover: this.#mover,
      others: () => this.#nodes.others(),
      isListed: () => this.#state().nodes.has(uuid),
      home: () => this.#nodes.home(),
      forget: () => this.#forget(),
    });
    this.#members = new PoolMembers({
      uuid,
      open: state,
      state: () => this.#state(),
      homeOf: (node) => this.#nodes.homeOf(node),
      alone: (work) => options.coordinator().alone("members", work),
      startAt: (node, start) => this.#tell(node, "/v1/peer/member/start", start, MEMBER_MS_MAX),
      endAt: (node) => this.#tell(node, "/v1/peer/member/end", {}, MEMBER_MS_MAX),
      log,
    });
    this.#departures = new Departures({
      uuid, log,
      coordinator: options.coordinator,
      state: () => this.#state(),
      resolveHost: (name) => this.resolveHost(name),
      greet: (node) => this.#watch.greet(node.uuid, this.#nodes.peerAddress(node)),
      tell: (node, path, body, timeoutMs) => this.#tell(node, path, body, timeoutMs),
      keepMembers: (stays) => this.#members.keep(stays),
      toEmbedded: () => this.#mover.toEmbedded(),
    });
    this.#trust = new PoolTrust({ uuid, host, state, log, names: () => this.#nodes.names() });
    this.#newcomer = new Newcomer({
      uuid, tls, networks, log,
      facts: () => this.#nodes.facts(),
      enter: (entry) => this.#enter(entry),
    });
    this.#prober = new Prober({
      uuid, version, tls, networks, client: this.#client, host: () => host,
    });
    this.#server = this.#peerServer();
    tls.onChange(() => {
      this.#client.reset();
      this.#server.renew();
    });
  }

  #peerServer(): PeerServer {
    const { host, state, log, transfers, events, logs } = this.#options;
    return new PeerServer({
      tls: state.tls,
      log,
      cluster: () => this.#cluster(),
      isNode: (node) => this.#state().nodes.has(node),
      transfers,
      routes: {
        members: {
          "/v1/peer/hello": async (_body, node) => this.#hello(node),
          ...effectRoutes({ performer: this.performer, host, isServing: () => this.#isServing }),
          "/v1/peer/member/start": async (body) => await done(this.#members.start(body as MemberStart)),
          "/v1/peer/member/end": async () => await done(this.#members.end()),
          "/v1/peer/events": async (body) => events(body),
          "/v1/peer/logs": async (body) => logs(body),
          "/v1/peer/leave": async () => await this.#leave(),
        },
        strangers: {
          "/v1/peer/join/ask": (body, caller) => this.#newcomer.ask(body, caller),
          "/v1/peer/join/enter": (body, caller) => this.#newcomer.enter(body, caller),
        },
      },
    });
  }

  /** Other nodes reach this one from now on; their effects are performed after `serve`. */
  async open(): Promise<void> {
    const { settings } = this.#options;
    await this.#server.listen(settings.address ?? "0.0.0.0", settings.peerPort);
    this.#members.open();
    this.#watch.open();
    const { lifetimeMs } = this.#options.state.tls;
    this.#timers = [
      setInterval(() => void this.#members.keep(), KEEP_EVERY_MS),
      setInterval(() => void this.#trust.renew(), Math.min(KEEP_EVERY_MS, lifetimeMs / 12)),
    ];
    for (const timer of this.#timers) timer.unref();
    this.#stateWatch.open();
  }

  /** After this node's first turn: nobody's token that is out of date gets by any more. */
  serve(): void {
    this.#isServing = true;
    void this.#members.refresh();
  }

  /** This node has the turn with this token. */
  raise(token: number): void {
    this.#fence.raise(token);
  }

  async close(): Promise<void> {
    this.recovery.close();
    for (const timer of this.#timers) clearInterval(timer);
    this.#stateWatch.close();
    this.#members.close();
    this.#watch.close();
    await this.#server.close();
    this.#client.close();
    await this.#options.state.copy.close();
  }

  /** As it was some seconds ago. */
  get clusterState(): StateView {
    return this.#stateWatch.view;
  }

  get glusterPort(): number {
    return this.#options.settings.glusterPort;
  }

  get isCluster(): boolean {
    return this.#options.state.membership.membership.kind === "etcd";
  }

  #cluster(): string | undefined {
    const { membership } = this.#options.state.membership;
    return membership.kind === "etcd" ? membership.cluster : undefined;
  }

  declaration(): NodeDeclaration {
    const { uuid, host, snapMountRoot, settings } = this.#options;
    return {
      uuid, hostname: host, address: settings.address ?? "0.0.0.0", snapMountRoot,
      ...(this.isCluster ? { names: this.#nodes.names(), peerPort: settings.peerPort } : {}),
    };
  }

  peers(): Peer[] {
    return peerList(this.#options.uuid, this.#nodes.others(), (uuid) => this.#watch.view(uuid));
  }

  clocks(): ClockVerdict {
    return clockVerdict(this.#nodes.others(), (uuid) => this.#watch.view(uuid));
  }

  /** Uuids of the nodes that answer, this one among them. */
  connectedNodes(): string[] {
    const others = this.#nodes.others().filter((it) => this.#watch.view(it.uuid).connected);
    return [this.#options.uuid, ...others.map((it) => it.uuid)];
  }

  resolveHost(host: string): Promise<string | undefined> {
    return resolveHost(host, this.#state(), this.#options.settings);
  }

  /** Whether a client's address is of a node: it gets the credentials then. */
  isNodeAddress(address: string): boolean {
    return this.#nodes.isNodeAddress(address);
  }

  /** Where clients get volfiles: this node first. */
  hosts(): string[] {
    return this.#nodes.hosts();
  }

  /** Throws `CommandFailure`, `EffectError` or `StoreError`. */
  async probe(
    host: string, token: string | undefined,
  ): Promise<{ readonly outcome: ProbeOutcome; readonly warnings: readonly string[] }> {
    const known = await this.resolveHost(host);
    if (known === this.#options.uuid) return { outcome: "localhost", warnings: [] };
    const address = { host, port: this.#options.settings.peerPort };
    const node = known === undefined ? undefined : this.#state().nodes.get(known)?.document;
    if (node !== undefined && (await this.#watch.greet(node.uuid, this.#nodes.peerAddress(node)))) {
      await this.#members.keep();
      return { outcome: "known", warnings: [] };
    }
    const authority = await this.#trust.ensure();
    const candidate = await this.#prober.ask(address, authority, token);
    await this.#options.coordinator().alone("peer probe", () => this.#mover.toEtcd(this.#nodes.home()));
    await this.#run("nodeDeclare", this.declaration());
    await this.#run("nodeAdd", declarationOf(candidate));
    const { membership } = this.#options.state.membership;
    if (membership.kind !== "etcd") throw new Error("The state is not in etcd");
    try {
      await this.#prober.admit(candidate, authority, membership);
    } catch (error) {
      if (node === undefined) await this.#departures.takeBack(candidate.facts.uuid);
      throw error;
    }
    await this.#watch.greet(candidate.facts.uuid, address);
    const warnings = [...candidate.warnings, ...(await this.#members.keep())];
    return { outcome: "success", warnings };
  }

  /** Throws as `probe` does. Gives warnings. */
  detach(host: string, force: boolean): Promise<readonly string[]> {
    return this.#departures.detach(host, force);
  }

  /** The answer of another node, which is given `body`. Rejects with `PeerError`. */
  async transfer(
    node: string, kind: TransferKind, asked: object, body: Readable | undefined,
  ): Promise<Readable> {
    const address = this.#nodes.addressOf(node);
    if (address === undefined) throw new PeerError("refused", `The node ${node} is not in this cluster.`);
    const { state, settings } = this.#options;
    return await openPeerStream(state.tls, address, node, {
      path: `/v1/peer/transfer/${kind}`,
      headers: { "content-type": TRANSFER_TYPE, [TRANSFER_HEADER]: JSON.stringify(asked) },
      body,
      localAddress: settings.address,
    });
  }

  /** The other nodes, heard or not. */
  otherHosts(): { readonly uuid: string; readonly host: string }[] {
    return this.#nodes.others().map((node) => ({ uuid: node.uuid, host: contactOf(node) }));
  }

  /** What another node tells of its events. Rejects with `PeerError`. */
  async eventsOf(node: string, question: EventQuestion): Promise<unknown> {
    return await this.#ask(node, "/v1/peer/events", question);
  }

  /** What programs of another node wrote to their logs. Rejects with `PeerError`. */
  async logsOf(node: string, question: LogQuery): Promise<unknown> {
    return await this.#ask(node, "/v1/peer/logs", question);
  }

  async #ask(node: string, path: string, body: object): Promise<unknown> {
    const address = this.#nodes.addressOf(node);
    if (address === undefined || !this.#watch.view(node).connected) {
      throw new PeerError("unreachable", `The node ${node} does not answer.`);
    }
    const call = { path, body, timeoutMs: EVENTS_MS_MAX };
    return (await this.#client.call(address, { uuid: node }, call)).body;
  }

  token(): { readonly token: string; readonly expiresAtMs: number } {
    return this.#newcomer.token();
  }

  requests(): JoinRequest[] {
    return this.#newcomer.requests();
  }

  accept(code: string): boolean {
    return this.#newcomer.accept(code);
  }

  /** The state has changed, by whichever node. */
  stateChanged(): void {
    if (!this.isCluster || this.#isLeaving) return;
    const { nodes } = this.#state();
    // A state without any node is one that was lost: who leaves then loses what is left of it.
    if (nodes.size === 0 || nodes.has(this.#options.uuid)) return;
    // A failure is logged, and tried again at the next change.
    void this.#leave().catch(() => undefined);
  }

  #state(): ClusterState {
    return this.#options.coordinator().state;
  }

  #hello(from: string): Hello {
    this.#watch.heard(from);
    return { uuid: this.#options.uuid, version: this.#options.version, nowMs: Date.now() };
  }

  async #enter(entry: JoinEnter): Promise<void> {
    const { state, coordinator } = this.#options;
    await coordinator().alone("join", async () => {
      state.tls.install(entry.authority, entry.certificate);
      try {
        await this.#mover.join(entry);
      } catch (error) {
        await state.tls.forget();
        throw error;
      }
    });
    this.#watch.look();
  }

  async #exchanged(): Promise<void> {
    const { state, coordinator, exchanged } = this.#options;
    this.#fence = new Fence();
    await coordinator().reload();
    exchanged();
    await this.#stateWatch.look();
    const cluster = this.#cluster();
    if (cluster === undefined) return await state.copy.clear();
    void state.copy.follow(state.store, cluster);
    await this.#members.refresh();
  }

  /** Throws `CommandFailure` for a refusal. */
  async #run<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<void> {
    const answer = await this.#options.coordinator().run(name, args);
    if (answer.ok) return;
    throw new CommandFailure(answer.code, answer.opErrno, answer.opErrstr, answer.details);
  }

  async #tell(node: NodeDocument, path: string, body: object, timeoutMs: number): Promise<void> {
    const call = { path, body, timeoutMs };
    await this.#client.call(this.#nodes.peerAddress(node), { uuid: node.uuid }, call);
  }

  async #leave(): Promise<object> {
    if (this.#isLeaving || !this.isCluster) return {};
    if (this.#state().nodes.has(this.#options.uuid)) await this.#catchUp();
    await this.#forget();
    return {};
  }

  async #forget(): Promise<void> {
    this.#isLeaving = true;
    try {
      await this.#mover.leave();
      await this.#options.coordinator().run("nodeDeclare", this.declaration());
    } catch (error) {
      this.#options.log.error({ err: error }, "this node could not leave its cluster");
      throw error;
    } finally {
      this.#isLeaving = false;
    }
  }

  /** Whoever says that this node is out has to be right. */
  async #catchUp(): Promise<void> {
    await this.#options.state.store.get(AUTHORITY_KEY);
    if (!this.#state().nodes.has(this.#options.uuid)) return;
    throw new Error("This node is in the cluster: detach it first");
  }
}

async function done(work: Promise<void>): Promise<object> {
  await work;
  return {};
}
