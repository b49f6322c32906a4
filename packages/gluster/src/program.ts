/** The RPC programs of GlusterFS 10 that this package lays out. */

export interface Program {
  readonly name: string;
  readonly number: number;
  readonly version: number;
}

export const PROGRAM = {
  dump: { name: "GF-DUMP", number: 123_451_501, version: 1 },
  handshake: { name: "GlusterFS Handshake", number: 14_398_633, version: 2 },
  portmap: { name: "Gluster Portmap", number: 34_123_456, version: 1 },
  callback: { name: "GlusterFS Callback", number: 52_743_234, version: 1 },
  fops: { name: "GlusterFS 4.x v1", number: 1_298_437, version: 400 },
  fops3: { name: "GlusterFS 3.3", number: 1_298_437, version: 330 },
  brick: { name: "Gluster Brick operations", number: 4_867_634, version: 2 },
} as const satisfies Record<string, Program>;

/** Bricks listen from here up, by default. */
export const BRICK_PORT_FIRST = 49_152;
export const BRICK_PORT_LAST = 60_999;
