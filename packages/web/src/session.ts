/**
 * Who is signed in. The token is given to the daemon once, which sets a cookie that scripts cannot
 * read: the page keeps nothing.
 */
import { signal } from "@preact/signals";

export type Role = "viewer" | "operator" | "admin";

export interface Session {
  readonly name: string;
  readonly role: Role;
}

/** What tells the daemon that a request with the cookie is this page's, and of no other site. */
export const OWN_REQUEST = { "x-mortar-request": "1" } as const;

const PATH = "/v1/session";

/** Undefined: not asked yet, or nobody. */
export const session = signal<Session | undefined>(undefined);
/** The daemon refused a request for want of a session. */
export const isRefused = signal(false);

/** Whether it is known who asks; rejects when the daemon does not answer. */
export async function askSession(): Promise<void> {
  const response = await fetch(PATH, { headers: { accept: "application/json" } });
  take(response.ok ? ((await response.json()) as { result: Session }).result : undefined);
}

/** A sentence says why not. Rejects when the daemon does not answer. */
export async function signIn(token: string): Promise<string | undefined> {
  const response = await fetch(PATH, {
    method: "POST",
    headers: { "content-type": "application/json", ...OWN_REQUEST },
    body: JSON.stringify({ token }),
  });
  const body = (await response.json().catch(() => undefined)) as
    | { result?: Session; detail?: string }
    | undefined;
  if (!response.ok) return body?.detail ?? `mortard answers ${response.status}.`;
  take(body?.result);
  return undefined;
}

export async function signOut(): Promise<void> {
  await fetch(PATH, { method: "DELETE", headers: OWN_REQUEST });
  take(undefined);
}

function take(told: Session | undefined): void {
  session.value = told;
  isRefused.value = told === undefined;
}
