/**
 * Who may do what over the network. Three roles, each of which may do all that the ones before it may:
 *
 *     viewer      looks
 *     operator    takes snapshots and keeps them, starts and stops, heals: nothing that loses data
 *     admin       everything
 *
 * A route that is not named here needs a viewer when it only reads, and an admin otherwise.
 */
import { type Static, Type } from "./schema/schema.ts";
import { type RouteName, routes } from "./routes.ts";

export const Role = Type.Union([
  Type.Literal("viewer"), Type.Literal("operator"), Type.Literal("admin"),
]);
export type Role = Static<typeof Role>;

const ranks: readonly Role[] = ["viewer", "operator", "admin"];

/** Questions that have a body, and so are not GETs. */
const questions: ReadonlySet<RouteName> = new Set<RouteName>([
  "commandPlan", "nodeReclaimable", "snapshotReclaim", "snapshotDiff", "schedulePreview",
  "sessionClose",
]);

const operations: ReadonlySet<RouteName> = new Set<RouteName>([
  "snapshotCreate", "snapshotActivate", "snapshotDeactivate", "snapshotView", "snapshotClone",
  "snapshotHold", "scheduleAdd", "scheduleRun", "volumeStart", "volumeHeal", "volumeProfile",
  "volumeStatedump", "volumeLogRotate", "volumeTop", "taskCancel",
]);

/** What is asked for tells secrets: who could join, who did what. */
const confidential: ReadonlySet<RouteName> = new Set<RouteName>([
  "peerRequests", "tokenList", "auditList", "webhookList",
]);

/** What users keep in volumes, and names of it in logs, is not for everybody who may look at how they are. */
const usersData: ReadonlySet<RouteName> = new Set<RouteName>(["snapshotFiles", "nodeLogs"]);

/** Undefined: for everybody, since it is where one says who one is. */
export function roleOf(name: RouteName): Role | undefined {
  if (name === "sessionOpen") return undefined;
  if (confidential.has(name)) return "admin";
  if (usersData.has(name)) return "operator";
  if (routes[name].method === "GET" || questions.has(name)) return "viewer";
  return operations.has(name) ? "operator" : "admin";
}

export function isEnough(role: Role, needed: Role): boolean {
  return ranks.indexOf(role) >= ranks.indexOf(needed);
}
