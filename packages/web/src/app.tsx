/** The page: who is signed in, the frame, and the view of the place. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { agoText } from "./format.ts";
import { Dialogs } from "./parts/action-dialog.tsx";
import { Icon, type IconName } from "./parts/icon.tsx";
import { Mark } from "./parts/mark.tsx";
import { Status } from "./parts/status.tsx";
import { isLive } from "./live.ts";
import { forgetAll, lostSinceMs } from "./resource.ts";
import { place } from "./router.ts";
import { askSession, isRefused, session, signOut } from "./session.ts";
import { switchTheme, theme } from "./theme.ts";
import { Toasts } from "./toast.tsx";
import { Activity } from "./views/activity.tsx";
import { Compare } from "./views/compare.tsx";
import { Logs } from "./views/logs.tsx";
import { Nodes } from "./views/nodes.tsx";
import { Overview, useFindings } from "./views/overview.tsx";
import { Pools } from "./views/pools.tsx";
import { ScheduleEditor } from "./views/schedule-editor.tsx";
import { Schedules } from "./views/schedules.tsx";
import { SignIn } from "./views/sign-in.tsx";
import { SnapshotFiles } from "./views/snapshot-files.tsx";
import { Volume } from "./views/volume.tsx";
import { Volumes } from "./views/volumes.tsx";

const AGAIN_MS = 2_000;

const places: readonly { path: string; text: string; icon: IconName; also: readonly string[] }[] = [
  { path: "", text: "Overview", icon: "overview", also: [] },
  { path: "volumes", text: "Volumes", icon: "volume", also: ["snapshots", "compare"] },
  { path: "pools", text: "Pools", icon: "pool", also: [] },
  { path: "nodes", text: "Nodes", icon: "node", also: ["logs"] },
  { path: "schedules", text: "Schedules", icon: "schedule", also: [] },
  { path: "activity", text: "Activity", icon: "activity", also: [] },
];

export function App() {
  const isAsked = useSession();
  if (isRefused.value) return <SignIn />;
  if (!isAsked) return <p class="empty" role="status">Asking mortard…</p>;
  return (
    <>
      <a class="button skip" href="#main" onClick={toMain}>Skip to the content</a>
      <div class="shell">
        <Head />
        <Lost />
        <Navigation />
        <main id="main" tabIndex={-1}>{viewOf(place.value.path)}</main>
      </div>
      <Toasts />
      <Dialogs />
    </>
  );
}

/** The hash is the place: it cannot name an element as well. */
function toMain(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

/** Whether somebody is known; asked again until the daemon answers. */
function useSession(): boolean {
  const [isAsked, setAsked] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async (): Promise<void> => {
      try {
        await askSession();
        setAsked(true);
      } catch {
        timer = setTimeout(() => void ask(), AGAIN_MS);
      }
    };
    void ask();
    return () => clearTimeout(timer);
  }, []);
  return isAsked;
}

function viewOf([first, second, third]: readonly string[]): JSX.Element {
  if (first === undefined) return <Overview />;
  if (first === "volumes") return second === undefined ? <Volumes /> : <Volume key={second} name={second} />;
  if (first === "snapshots" && second !== undefined && third === "files") {
    return <SnapshotFiles key={second} snapshot={second} />;
  }
  if (first === "compare") return <Compare />;
  if (first === "pools") return <Pools />;
  if (first === "nodes") return <Nodes />;
  if (first === "logs") return <Logs />;
  if (first === "schedules") {
    if (second === undefined) return <Schedules />;
    return <ScheduleEditor key={second} name={second === "new" ? undefined : second} />;
  }
  if (first === "activity") return <Activity />;
  return <p class="empty">There is no such place. <a href="#/">Overview</a></p>;
}

function Head() {
  const who = session.value;
  const leave = async (): Promise<void> => {
    await signOut();
    forgetAll();
  };
  const isDark = theme.value === "dark";
  return (
    <header class="head">
      <a class="brand" href="#/"><Mark />Mortar</a>
      <span class="where">{location.host}</span>
      <span class="space" />
      <span class="small wide-only">
        {isLive.value ? <Status level="ok">live</Status> : <span class="muted">looks every 10 s</span>}
      </span>
      <button type="button" class="button plain icon" onClick={switchTheme}>
        <Icon name={isDark ? "sun" : "moon"} />
        <span class="unseen">{isDark ? "Light colours" : "Dark colours"}</span>
      </button>
      {who === undefined ? null : (
        <>
          <span class="small nowrap">{who.name} <span class="tag">{who.role}</span></span>
          <button type="button" class="button plain icon" onClick={() => void leave()}>
            <Icon name="leave" /><span class="unseen">Sign out</span>
          </button>
        </>
      )}
    </header>
  );
}

function Lost() {
  const since = lostSinceMs.value;
  if (since === undefined) return null;
  return (
    <div class="lost" role="alert">
      <Icon name="bad" />
      mortard does not answer since {agoText(since, Date.now())}. What is shown is what was known then.
    </div>
  );
}

function Navigation() {
  const current = place.value.path[0] ?? "";
  const findings = useFindings();
  const bad = findings.some(({ level }) => level === "bad");
  return (
    <nav class="nav" aria-label="Places">
      <ul>
        {places.map(({ path, text, icon, also }) => (
          <li key={path}>
            <a
              href={`#/${path}`}
              aria-current={current === path || also.includes(current) ? "page" : undefined}
            >
              <Icon name={icon} />{text}
              {path !== "" || findings.length === 0 ? null : (
                <span class={`tag count ${bad ? "bad" : "warn"}`}>
                  {findings.length}<span class="unseen"> to look at</span>
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
