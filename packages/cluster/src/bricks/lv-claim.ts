/** Who uses a logical volume: nothing may be removed, or built upon, that somebody else has. */
import { allBricks, brickName } from "./brick.ts";
import type { ClusterState, ThinLv } from "../state.ts";

export interface LvClaim {
  /** `volume V`, `snapshot S`, or `an interrupted "snapshot restore"`. */
  readonly owner: string;
  readonly brick?: string;
}

export interface LvPlace extends Pick<ThinLv, "vg" | "lv"> {
  readonly node: string;
}

export function sameLv(a: LvPlace, b: LvPlace): boolean {
  return a.node === b.node && a.vg === b.vg && a.lv === b.lv;
}

/** Bricks on this LV, and interrupted commands that are going to remove it. */
export function claimsOn(state: ClusterState, place: LvPlace): LvClaim[] {
  const claims: LvClaim[] = [];
  for (const { owner, brick } of allBricks(state)) {
    if (brick.thin === undefined) continue;
    if (sameLv(place, { node: brick.node, ...brick.thin })) {
      claims.push({ owner, brick: brickName(brick) });
    }
  }
  for (const { document } of state.intents.values()) {
    for (const effect of document.groups.flat()) {
      const removes = effect.kind === "removeLv" || effect.kind === "removeBrickStorage";
      if (removes && sameLv(place, effect)) {
        claims.push({ owner: `an interrupted "${document.command}"` });
      }
    }
  }
  return claims;
}
