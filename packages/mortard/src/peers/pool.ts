/**
 * The trusted pool as one node has it: the other nodes, how to reach them, who is let in and taken
 * out, and where the state of all of them is.
 */
import {
  type ClusterState, type CommandArgs, CommandFailure, type CommandName, type Coordinator, Fence, type NodeDeclaration,
  type NodeDocument, nodesInOrder,
} from "@mortar/cluster";
import type { Peer } from "@mortar/api";
import { AUTHORITY_KEY } from "../cluster-keys.ts";
import type { MemberHome } from "../etcd/member-keeper.ts";
import type { OpenState, StatePlaces } from "../etcd/open-state.ts";
import { type MemberStart, PoolMembers } from "../etcd/pool-members.ts";
import { StateMover } from "../etcd/state-mover.ts";
import type { Log } from "../log.ts";
import { ensureAuthority, ensureCertificate } from "./authority.ts";
import type { JoinEnter, JoinFacts } from "./join-wire.ts";
import { type JoinRequest, Newcomer } from "./newcomer.ts";
import { certificateHosts, machineHosts } from "./node-tls.ts";
import { type PeerAddress, PeerClient } from "./peer-client.ts";
import { PeerServer } from "./peer-server.ts";
import { type Hello, PeerWatch } from "./peer-watch.ts";
import { declarationOf, Prober } from "./probe.ts";
import {
  type EffectReply, type EffectRequest, type LocalEffectPerformer, RemotePerformer,
} from "./remote-performer.ts";
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
  readonly local: LocalEffectPerformer;
  /** The state was exchanged for another one. */
  readonly exchanged: () => void;
  /** This node may not be as the state says: it was cut off, or another one came back. */
  readonly outOfStep: () => void;
  readonly log: Log;
}

export type ProbeOutcome = "success" | "localhost" | "known";

const MEMBER_MS_MAX = 30_000;
const LEAVE_MS_MAX = 30_000;
const KEEP_EVERY_MS = 60_000;

export class Pool {
  readonly performer: RemotePerformer;
  readonly #options: PoolOptions;
  readonly #client: PeerClient;
  readonly #watch: PeerWatch;
  readonly #server: PeerServer;
  readonly #newcomer: Newcomer;
  readonly #prober: Prober;
  readonly #mover: StateMover;
  readonly #members: PoolMembers;
  #fence = new Fence();
  #isServing = false;
  #isLeaving = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { uuid, host, version, settings, places, state, local, log } = options;
    const { tls } = state;
    const networks = new TrustedNetworks(settings.trustedNetworks);
    this.#client = new PeerClient(tls, settings.address);
    this.#watch = new PeerWatch({
      client: this.#client,
      nodes: () => this.#others().map((it) => ({ uuid: it.uuid, address: this.#peerAddress(it) })),
      onReturn: () => options.outOfStep(),
      log,
    });
    this.performer = new RemotePerformer({
      uuid,
      local,
      client: this.#client,
      fence: () => this.#fence,
      addressOf: (node) => this.#addressOf(node),
      heard: (node) => this.#watch.heard(node),
      lost: (node) => this.#watch.lost(node),
    });
    this.#mover = new StateMover({ uuid, places, state, log, exchanged: () => this.#exchanged() });
    this.#members = new PoolMembers({
      uuid,
      open: state,
      state: () => this.#state(),
      homeOf: (node) => this.#homeOf(node),
      alone: (work) => options.coordinator().alone("members", work),
      startAt: (node, start) => this.#tell(node, "/v1/peer/member/start", start, MEMBER_MS_MAX),
      endAt: (node) => this.#tell(node, "/v1/peer/member/end", {}, MEMBER_MS_MAX),
      log,
    });
    this.#newcomer = new Newcomer({
      uuid, tls, networks, log,
      facts: () => this.#facts(),
      enter: (entry) => this.#enter(entry),
    });
    this.#prober = new Prober({
      uuid, version, tls, networks, client: this.#client, host: () => host,
    });
    this.#server = new PeerServer({
      tls,
      log,
      isNode: (node) => this.#state().nodes.has(node),
      routes: {
        members: {
          "/v1/peer/hello": async (_body, node) => this.#hello(node),
          "/v1/peer/effect": async (body) => await this.#effect(body as EffectRequest),
          "/v1/peer/member/start": async (body) => await done(this.#members.start(body as MemberStart)),
          "/v1/peer/member/end": async () => await done(this.#members.end()),
          "/v1/peer/leave": async () => await this.#leave(),
        },
        strangers: {
          "/v1/peer/join/ask": (body, caller) => this.#newcomer.ask(body, caller),
          "/v1/peer/join/enter": (body, caller) => this.#newcomer.enter(body, caller),
        },
      },
    });
    tls.onChange(() => {
      this.#client.reset();
      this.#server.renew();
    });
  }

  /** Other nodes reach this one from now on; their effects are performed after `serve`. */
  async open(): Promise<void> {
    const { settings } = this.#options;
    await this.#server.listen(settings.address ?? "0.0.0.0", settings.peerPort);
    this.#members.open();
    this.#watch.open();
    this.#timer = setInterval(() => {
      void this.#members.keep();
      void this.#renew();
    }, KEEP_EVERY_MS);
    this.#timer.unref();
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
    clearInterval(this.#timer);
    this.#members.close();
    this.#watch.close();
    await this.#server.close();
    this.#client.reset();
  }

  get glusterPort(): number {
    return this.#options.settings.glusterPort;
  }

  get isCluster(): boolean {
    return this.#options.state.membership.membership.kind === "etcd";
  }

  declaration(): NodeDeclaration {
    const { uuid, host, snapMountRoot, settings } = this.#options;
    return {
      uuid, hostname: host, address: settings.address ?? "0.0.0.0", snapMountRoot,
      ...(this.isCluster ? { names: this.#names(), peerPort: settings.peerPort } : {}),
    };
  }

  /** As stock lists them: in the order of their coming. */
  peers(): Peer[] {
    const known = { state: 3, stateName: "Peer in Cluster" };
    const own: Peer = {
      uuid: this.#options.uuid, hostname: "localhost", self: true, connected: true, ...known,
    };
    const others = this.#others().map((node): Peer => {
      const { connected, skewMs } = this.#watch.view(node.uuid);
      return {
        uuid: node.uuid, hostname: contactOf(node), self: false, connected, ...known,
        ...(skewMs === undefined ? {} : { clockSkewMs: skewMs }),
      };
    });
    return [...others, own];
  }

  resolveHost(host: string): Promise<string | undefined> {
    return resolveHost(host, this.#state(), this.#options.settings);
  }

  /** Whether a client's address is of a node: it gets the credentials then. */
  isNodeAddress(address: string): boolean {
    return this.#others().some((it) =>
      it.address === address || it.contact === address || it.names?.includes(address) === true);
  }

  /** Where clients get volfiles: this node first. */
  hosts(): string[] {
    const { settings } = this.#options;
    const own = settings.address === undefined ? [] : [settings.address];
    return [...own, ...this.#others().map(contactOf)];
  }

  /** Throws `CommandFailure`, `EffectError` or `StoreError`. */
  async probe(
    host: string, token: string | undefined,
  ): Promise<{ readonly outcome: ProbeOutcome; readonly warnings: readonly string[] }> {
    const known = await this.resolveHost(host);
    if (known === this.#options.uuid) return { outcome: "localhost", warnings: [] };
    const address = { host, port: this.#options.settings.peerPort };
    const node = known === undefined ? undefined : this.#state().nodes.get(known)?.document;
    if (node !== undefined && (await this.#watch.greet(node.uuid, this.#peerAddress(node)))) {
      await this.#members.keep();
      return { outcome: "known", warnings: [] };
    }
    const authority = await this.#ensureTrust();
    const candidate = await this.#prober.ask(address, authority, token);
    await this.#options.coordinator().alone("peer probe", () => this.#mover.toEtcd(this.#home()));
    await this.#run("nodeDeclare", this.declaration());
    await this.#run("nodeAdd", declarationOf(candidate));
    const { membership } = this.#options.state.membership;
    if (membership.kind !== "etcd") throw new Error("The state is not in etcd");
    await this.#prober.admit(candidate, authority, membership);
    await this.#watch.greet(candidate.facts.uuid, address);
    const warnings = [...candidate.warnings, ...(await this.#members.keep())];
    return { outcome: "success", warnings };
  }

  /** Throws as `probe` does. Gives warnings. */
  async detach(host: string, force: boolean): Promise<readonly string[]> {
    const uuid = await this.resolveHost(host);
    const node = uuid === undefined ? undefined : this.#state().nodes.get(uuid)?.document;
    const isThere = node !== undefined && node.uuid !== this.#options.uuid &&
      (await this.#watch.greet(node.uuid, this.#peerAddress(node)));
    if (node !== undefined && node.uuid !== this.#options.uuid && !isThere && !force) {
      const sentence = "One of the peers is probably down. Check with 'peer status'";
      throw new CommandFailure("node-in-use", EG_INTRNL, sentence, [{
        node: host,
        detail: "It does not answer.",
        nextStep: `If it will never come back: mortar peer detach ${host} force`,
      }]);
    }
    await this.#run("nodeRemove", { host, check: true });
    if (node === undefined) return [];
    // Its vote goes first: it leaves as soon as it hears that it was taken out.
    const warnings = await this.#members.keep((it) => it.uuid !== node.uuid);
    await this.#run("nodeRemove", { host });
    await this.#tell(node, "/v1/peer/leave", {}, LEAVE_MS_MAX).catch(() => undefined);
    if (this.#state().nodes.size > 1) return warnings;
    return [...warnings, ...(await this.#backToOne())];
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

  #others(): NodeDocument[] {
    return nodesInOrder(this.#state()).filter((it) => it.uuid !== this.#options.uuid);
  }

  #addressOf(uuid: string): PeerAddress | undefined {
    const node = this.#state().nodes.get(uuid)?.document;
    return node === undefined ? undefined : this.#peerAddress(node);
  }

  #peerAddress(node: NodeDocument): PeerAddress {
    return { host: contactOf(node), port: node.peerPort ?? this.#options.settings.peerPort };
  }

  #homeOf(node: NodeDocument): MemberHome {
    const { host, port } = this.#peerAddress(node);
    return { host, listen: node.address, clientPort: port + 1, peerPort: port + 2 };
  }

  /** Of this node, before it has a document that says so. */
  #home(): MemberHome {
    const own = this.#state().nodes.get(this.#options.uuid)?.document;
    if (own === undefined) throw new Error("This node is not declared");
    return this.#homeOf(own);
  }

  #names(): string[] {
    const { settings } = this.#options;
    const machine = settings.address === undefined ? machineHosts() : [];
    return certificateHosts([...settings.hostNames, settings.address, ...machine])
      .filter((it) => it !== "localhost" && !it.startsWith("127.0.0."));
  }

  #facts(): Omit<JoinFacts, "request" | "nowMs"> {
    const { uuid, host, version, snapMountRoot, settings } = this.#options;
    const { volumes, snapshots, nodes } = this.#state();
    const isUsed = volumes.size > 0 || snapshots.size > 0;
    const isMember = this.isCluster || nodes.size > 1;
    return {
      uuid, hostname: host, version, snapMountRoot,
      address: settings.address ?? "0.0.0.0",
      names: this.#names(),
      peerPort: settings.peerPort,
      standing: isMember ? "in-a-cluster" : isUsed ? "has-volumes" : "fresh",
    };
  }

  #hello(from: string): Hello {
    this.#watch.heard(from);
    return { uuid: this.#options.uuid, version: this.#options.version, nowMs: Date.now() };
  }

  async #effect(request: EffectRequest): Promise<EffectReply> {
    if (this.#isServing) return await this.performer.answer(request);
    const where = { node: this.#options.host, object: request.effect.kind };
    const error = { code: "unreachable" as const, message: "mortard is coming up here.", ...where };
    return { ok: false, error };
  }

  async #ensureTrust(): ReturnType<typeof ensureAuthority> {
    const { uuid, host, state } = this.#options;
    const authority = await ensureAuthority(state.store);
    const hosts = certificateHosts([...this.#names(), host, ...machineHosts()]);
    await ensureCertificate(state.tls, authority, uuid, hosts);
    return authority;
  }

  /** A certificate that grows old is exchanged, and what is connected with it. */
  async #renew(): Promise<void> {
    const { state, coordinator, log } = this.#options;
    const former = state.tls.material.certificate;
    try {
      if (!this.isCluster) return;
      await this.#ensureTrust();
      if (state.tls.material.certificate === former) return;
      await coordinator().alone("certificate", () => this.#mover.reconnect());
      await this.#members.refresh();
    } catch (error) {
      log.warn({ err: error }, "the certificate of this node is not renewed yet");
    }
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
    this.#fence = new Fence();
    await this.#options.coordinator().reload();
    this.#options.exchanged();
    if (this.isCluster) await this.#members.refresh();
  }

  /** Throws `CommandFailure` for a refusal. */
  async #run<Name extends CommandName>(name: Name, args: CommandArgs<Name>): Promise<void> {
    const answer = await this.#options.coordinator().run(name, args);
    if (answer.ok) return;
    throw new CommandFailure(answer.code, answer.opErrno, answer.opErrstr, answer.details);
  }

  async #tell(node: NodeDocument, path: string, body: object, timeoutMs: number): Promise<void> {
    const call = { path, body, timeoutMs };
    await this.#client.call(this.#peerAddress(node), { uuid: node.uuid }, call);
  }

  async #backToOne(): Promise<string[]> {
    const { coordinator, log } = this.#options;
    try {
      await coordinator().alone("peer detach", () => this.#mover.toEmbedded());
      return [];
    } catch (error) {
      log.error({ err: error }, "the state stays in etcd");
      return [`The state stays in etcd: ${(error as Error).message}`];
    }
  }

  async #leave(): Promise<object> {
    if (this.#isLeaving || !this.isCluster) return {};
    if (this.#state().nodes.has(this.#options.uuid)) await this.#catchUp();
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
    return {};
  }

  /** Whoever says that this node is out has to be right. */
  async #catchUp(): Promise<void> {
    await this.#options.state.store.get(AUTHORITY_KEY);
    if (!this.#state().nodes.has(this.#options.uuid)) return;
    throw new Error("This node is in the cluster: detach it first");
  }
}

const EG_INTRNL = 30_800;

async function done(work: Promise<void>): Promise<object> {
  await work;
  return {};
}

function contactOf({ contact, hostname }: NodeDocument): string {
  return contact ?? hostname;
}
