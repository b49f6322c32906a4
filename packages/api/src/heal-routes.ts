/** Routes of what has to be healed. */
import { Type } from "./schema/schema.ts";
import {
  HealCounts, HealQuery, HealReport, HealStatistics, HealSwitchBody, SplitBrainBody,
  SplitBrainEnded,
} from "./heal.ts";
import { noBody, none, route, volume } from "./route.ts";
import { VolumeRef } from "./volume.ts";

export const healRoutes = {
  volumeHeal: route({
    method: "POST", path: "/v1/volumes/:volume/heal", tag: "volume",
    summary: "Look for copies that are behind, and heal them",
    params: volume, query: none,
    body: Type.Object(
      { full: Type.Optional(Type.Boolean({ description: "compare everything" })) },
      { additionalProperties: false },
    ),
    result: VolumeRef,
  }),
  volumeHealInfo: route({
    method: "GET", path: "/v1/volumes/:volume/heal", tag: "volume",
    summary: "What has to be healed, brick by brick",
    params: volume, query: HealQuery, body: noBody, result: HealReport,
  }),
  volumeHealSwitch: route({
    method: "PATCH", path: "/v1/volumes/:volume/heal", tag: "volume",
    summary: "Switch the self-heal daemons, or the healing of single names, on and off",
    params: volume, query: none, body: HealSwitchBody, result: VolumeRef,
  }),
  volumeHealStatistics: route({
    method: "GET", path: "/v1/volumes/:volume/heal-statistics", tag: "volume",
    summary: "The walks of the self-heal daemons",
    params: volume, query: none, body: noBody, result: HealStatistics,
  }),
  volumeHealCount: route({
    method: "GET", path: "/v1/volumes/:volume/heal-count", tag: "volume",
    summary: "How many objects each brick knows to be healed",
    params: volume,
    query: Type.Object(
      {
        brick: Type.Optional(
          Type.String({ maxLength: 4096, description: "HOST:/path; only the set that it is in" }),
        ),
      },
      { additionalProperties: false },
    ),
    body: noBody, result: HealCounts,
  }),
  volumeSplitBrain: route({
    method: "POST", path: "/v1/volumes/:volume/split-brain", tag: "volume",
    summary: "Say which copy of a file is the right one",
    params: volume, query: none, body: SplitBrainBody, result: SplitBrainEnded,
  }),
} as const;
