/**
 * What this node proves itself with to others, in STATE/tls.
 *
 *     node.key        its key; never leaves the node
 *     node.pem        its certificate: of the cluster's authority, or of nobody before it joins
 *     authority.pem   whom it believes; absent before it joins
 *
 * The certificate is written after the authority: whoever has the one can judge the other.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  certificateFacts, certificateRequest, fingerprintOf, isDueForRenewal, isIssuedBy, issue,
  newAuthority, newKey, NODE_LIFETIME_MS,
} from "@mortar/trust";
import { writeDurably } from "../durable-file.ts";
import { localAddresses } from "../effects/host-name.ts";

/** PEM texts. */
export interface TlsMaterial {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string | undefined;
}

export interface TlsFiles {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
}

export class NodeTls {
  readonly files: TlsFiles;
  /** Of the certificates that this node issues. */
  readonly lifetimeMs: number;
  readonly #uuid: string;
  #material: TlsMaterial;
  readonly #told: (() => void)[] = [];

  private constructor(files: TlsFiles, uuid: string, material: TlsMaterial, lifetimeMs: number) {
    this.files = files;
    this.lifetimeMs = lifetimeMs;
    this.#uuid = uuid;
    this.#material = material;
  }

  /** Makes what is missing. A certificate of the authority that is over stays: see `isValid`. */
  static async open(
    directory: string, uuid: string, lifetimeMs = NODE_LIFETIME_MS,
  ): Promise<NodeTls> {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const files = {
      key: join(directory, "node.key"),
      certificate: join(directory, "node.pem"),
      authority: join(directory, "authority.pem"),
    };
    if (!existsSync(files.key)) writeDurably(files.key, await newKey());
    const key = readFileSync(files.key, "utf8");
    const authority = textOf(files.authority);
    let certificate = textOf(files.certificate);
    const fits = (pem: string): boolean =>
      authority === undefined
        ? !isDueForRenewal(pem, Date.now())
        : isIssuedBy(pem, authority, certificateFacts(pem).notAfterMs);
    if (certificate === undefined || !fits(certificate)) {
      certificate = await ofNobody(key, uuid);
      writeDurably(files.certificate, certificate);
    }
    return new NodeTls(files, uuid, { key, certificate, authority }, lifetimeMs);
  }

  /** Of an authority, and of now. */
  get isValid(): boolean {
    const { certificate, authority } = this.#material;
    return authority !== undefined && isIssuedBy(certificate, authority, Date.now());
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  get fingerprint(): string {
    return fingerprintOf(this.#material.certificate);
  }

  onChange(told: () => void): void {
    this.#told.push(told);
  }

  request(): Promise<string> {
    return certificateRequest(this.#material.key, this.#uuid);
  }

  install(authority: string, certificate: string): void {
    writeDurably(this.files.authority, authority);
    writeDurably(this.files.certificate, certificate);
    this.#material = { ...this.#material, authority, certificate };
    for (const told of this.#told) told();
  }

  /** Believes nobody any more, and is believed by nobody. */
  async forget(): Promise<void> {
    const certificate = await ofNobody(this.#material.key, this.#uuid);
    rmSync(this.files.authority, { force: true });
    writeDurably(this.files.certificate, certificate);
    this.#material = { key: this.#material.key, certificate, authority: undefined };
    for (const told of this.#told) told();
  }
}

/** For a certificate: those of `known` that others can use, and those of every machine. */
export function certificateHosts(known: readonly (string | undefined)[]): string[] {
  const all = new Set([...known, "localhost", "127.0.0.1"]);
  return [...all].filter((it) => it !== undefined && isUsable(it)).map(String);
}

/** Names and addresses that this machine may be reached under, or call from. */
export function machineHosts(): string[] {
  return [hostname(), ...localAddresses()];
}

/** Addresses with a zone (`fe80::1%eth0`) are of one machine only; a wildcard is none. */
function isUsable(host: string): boolean {
  return host !== "" && host !== "0.0.0.0" && host !== "::" && !host.startsWith("fe80:") &&
    !host.includes("%");
}

/** Signed by an authority that ends with this call. */
async function ofNobody(key: string, uuid: string): Promise<string> {
  const nowMs = Date.now();
  const authority = await newAuthority(`Mortar node ${uuid}`.slice(0, 60), nowMs);
  const request = await certificateRequest(key, uuid);
  return await issue(authority, request, { uuid, hosts: certificateHosts(machineHosts()) }, nowMs);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
