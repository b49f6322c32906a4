/** The routes of the daemon, as the page knows them: types of @mortar/api, paths of the build. */
import type { Method, RouteName, routes } from "@mortar/api";

declare const ROUTES: Readonly<Record<RouteName, readonly [Method, string]>>;

type Table = typeof routes;
export type { RouteName };
export type Result<N extends RouteName> = Table[N]["result"]["static"];

export interface CallInput<N extends RouteName> {
  readonly params?: Table[N]["params"]["static"];
  readonly query?: Table[N]["query"]["static"];
  readonly body?: Table[N]["body"]["static"];
}

export function methodOf(name: RouteName): Method {
  return ROUTES[name][0];
}

/** With its query; below the place that the page was served from. */
export function urlOf<N extends RouteName>(name: N, { params, query }: CallInput<N>): string {
  let path = ROUTES[name][1];
  for (const [key, value] of Object.entries(params ?? {})) {
    path = path.replace(`:${key}`, encodeURIComponent(value));
  }
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(key, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}
