/** Files of a snapshot: looked at, downloaded, brought back into the live volume. */
import type { SnapshotFile } from "@mortar/api";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { RestoreFile } from "../actions/restore-file.tsx";
import { problemOf, reach } from "../call.ts";
import { bytesText, countText, timeText } from "../format.ts";
import { ask } from "../parts/action-dialog.tsx";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Icon } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem-note.tsx";
import { useResource } from "../resource.ts";
import { hashOf, place } from "../router.ts";
import { quoted } from "../shell-word.ts";

/** A snapshot does not change: it is asked again only to be kept open. */
const EVERY_MS = 120_000;
const STEP = 500;
/** More than that the daemon does not tell at once. */
const SHOWN_MAX = 5_000;
const PREVIEW_BYTES = 64 * 1024;
const pictures = /\.(png|jpe?g|gif|webp)$/i;
const PICTURE_BYTES_MAX = 16 * 1024 * 1024;

export interface FilePlace {
  readonly snapshot: string;
  readonly volume: string;
  /** `/a/b` */
  readonly path: string;
}

export function SnapshotFiles({ snapshot }: { readonly snapshot: string }) {
  const { path = "/", volume = "", file } = place.value.query;
  const [limit, setLimit] = useState(STEP);
  const of = { snapshot, volume, path };
  const files = useResource(
    "snapshotFiles",
    { params: { snapshot }, query: { path, limit, ...(volume === "" ? {} : { volume }) } },
    { everyMs: EVERY_MS },
  );
  const crumbs = [
    { text: "Volumes", href: "#/volumes" },
    { text: volume, href: hashOf(["volumes", volume], { snapshot }) },
  ];
  const opened = files.data?.entries.find(({ name }) => name === file);
  return (
    <>
      <PageHead title={snapshot} crumbs={crumbs} />
      <div class="stack">
        <div class="spread">
          <PathBar {...of} />
          <button
            type="button" class="button" disabled={files.data === undefined}
            onClick={() => ask(<RestoreFile of={of} kind="directory" />)}
          >
            Restore this folder…
          </button>
        </div>
        {opened === undefined ? null : <Preview of={of} file={opened} />}
        <Loaded of={files}>
          {({ entries, nextOffset }) => (
            <Listing of={of} entries={sorted(entries)} opened={file}>
              {nextOffset === undefined ? null : (
                <Empty>
                  {limit >= SHOWN_MAX ? <>There are more.<code>mortar snapshot ls {quoted(snapshot)} {quoted(path)}</code></> : (
                    <button type="button" class="button" onClick={() => setLimit(Math.min(SHOWN_MAX, limit * 4))}>
                      Show more than {limit}
                    </button>
                  )}
                </Empty>
              )}
            </Listing>
          )}
        </Loaded>
      </div>
    </>
  );
}

function sorted(entries: readonly SnapshotFile[]): SnapshotFile[] {
  return [...entries].sort((a, b) =>
    Number(b.kind === "directory") - Number(a.kind === "directory") ||
    a.name.localeCompare(b.name, "en", { numeric: true }));
}

export function below(path: string, name: string): string {
  return path === "/" ? `/${name}` : `${path}/${name}`;
}

function placeOfPath(
  { snapshot, volume }: FilePlace, path: string, further: Record<string, string> = {},
): string {
  return hashOf(["snapshots", snapshot, "files"], { volume, path, ...further });
}

function PathBar(of: FilePlace) {
  const names = of.path.split("/").filter((it) => it !== "");
  return (
    <nav class="path-bar mono" aria-label="Path in the snapshot">
      <a href={placeOfPath(of, "/")}>{of.volume}</a>
      {names.map((name, index) => {
        const path = `/${names.slice(0, index + 1).join("/")}`;
        return (
          <span key={path}>
            /{index === names.length - 1
              ? <strong aria-current="page">{name}</strong>
              : <a href={placeOfPath(of, path)}>{name}</a>}
          </span>
        );
      })}
    </nav>
  );
}

interface ListingProps {
  readonly of: FilePlace;
  readonly entries: readonly SnapshotFile[];
  readonly opened: string | undefined;
  readonly children: ComponentChildren;
}

function Listing({ of, entries, opened, children }: ListingProps) {
  return (
    <Card title="Files" isTable aside={<span class="muted small">{countText(entries.length, "entry", "entries")}</span>}>
      {entries.length === 0 ? <Empty>This folder is empty.</Empty> : (
        <table class="files">
          <thead>
            <tr>
              <th scope="col">Name</th><th scope="col" class="number">Size</th>
              <th scope="col" class="wide-only">Changed</th>
              <th scope="col" class="wide-only">Mode</th><th scope="col" class="wide-only">Owner</th>
              <th scope="col"><span class="unseen">What can be done</span></th>
            </tr>
          </thead>
          <tbody>
            {entries.map((it) => <Row key={it.name} of={of} file={it} isOpened={it.name === opened} />)}
          </tbody>
        </table>
      )}
      {children}
    </Card>
  );
}

interface RowProps {
  readonly of: FilePlace;
  readonly file: SnapshotFile;
  readonly isOpened: boolean;
}

function Row({ of, file, isOpened }: RowProps) {
  const { name, kind, sizeBytes, modifiedMs, mode, uid, gid, target } = file;
  const path = below(of.path, name);
  const icon = kind === "directory" ? "folder" : kind === "link" ? "link" : "file";
  const href = kind === "directory" ? placeOfPath(of, path) : placeOfPath(of, of.path, { file: name });
  return (
    <tr class={isOpened ? "chosen" : ""}>
      <th scope="row">
        <span class="name">
          <Icon name={icon} />
          {kind === "directory" || kind === "file" ? <a href={href}>{name}</a> : <span>{name}</span>}
          {target === undefined ? null : <span class="muted">→ {target}</span>}
        </span>
      </th>
      <td class="number">{kind === "file" ? bytesText(sizeBytes) : ""}</td>
      <td class="nowrap wide-only">{timeText(modifiedMs)}</td>
      <td class="mono wide-only">{mode.toString(8).padStart(4, "0")}</td>
      <td class="mono wide-only">{uid}:{gid}</td>
      <td class="number">
        <button
          type="button" class="button plain"
          onClick={() => ask(<RestoreFile of={{ ...of, path }} kind={kind} />)}
        >
          Restore…<span class="unseen"> {name}</span>
        </button>
      </td>
    </tr>
  );
}

export function contentUrl({ snapshot, volume, path }: FilePlace, isDownload: boolean): string {
  const query = new URLSearchParams({ path, volume, ...(isDownload ? { download: "true" } : {}) });
  return `/v1/snapshots/${encodeURIComponent(snapshot)}/content?${query.toString()}`;
}

function Preview({ of, file }: { readonly of: FilePlace; readonly file: SnapshotFile }) {
  const at = { ...of, path: below(of.path, file.name) };
  const isPicture = pictures.test(file.name) && file.sizeBytes <= PICTURE_BYTES_MAX;
  return (
    <Card
      title={file.name}
      aside={
        <div class="actions">
          <a class="button" href={contentUrl(at, true)} download={file.name}>
            Download {bytesText(file.sizeBytes)}
          </a>
          <button type="button" class="button main" onClick={() => ask(<RestoreFile of={at} kind="file" />)}>
            Restore…
          </button>
          <a class="button plain icon" href={placeOfPath(of, of.path)}>
            <Icon name="close" /><span class="unseen">Close the preview</span>
          </a>
        </div>
      }
    >
      {isPicture
        ? <img class="preview-image" src={contentUrl(at, false)} alt={`The picture ${file.name}`} />
        : <TextPreview key={at.path} of={at} sizeBytes={file.sizeBytes} />}
    </Card>
  );
}

interface Shown {
  readonly text?: string;
  readonly problem?: ReturnType<typeof problemOf>;
}

function TextPreview({ of, sizeBytes }: { readonly of: FilePlace; readonly sizeBytes: number }) {
  const [shown, setShown] = useState<Shown | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    void (async () => {
      try {
        setShown(await previewOf(of, sizeBytes, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })();
    return () => stop.abort();
  }, [JSON.stringify(of)]);
  if (shown === undefined) return <p class="muted" role="status">Reading…</p>;
  if (shown.problem !== undefined) return <ProblemNote problem={shown.problem} />;
  return (
    <>
      <pre class="preview" tabIndex={0}>{shown.text}</pre>
      {sizeBytes <= PREVIEW_BYTES ? null : (
        <p class="muted small">The first {bytesText(PREVIEW_BYTES)} of {bytesText(sizeBytes)}.</p>
      )}
    </>
  );
}

async function previewOf(of: FilePlace, sizeBytes: number, signal: AbortSignal): Promise<Shown> {
  if (sizeBytes === 0) return { text: "This file is empty." };
  const response = await reach(contentUrl(of, false), {
    signal, headers: { range: `bytes=0-${PREVIEW_BYTES - 1}` },
  });
  if (!response.ok) {
    return { problem: problemOf(response, await response.json().catch(() => undefined)) };
  }
  return { text: textOf(new Uint8Array(await response.arrayBuffer())) };
}

/** Bytes that are no text are shown as `hexdump -C` shows them, for a start. */
export function textOf(bytes: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    if (!text.includes("\0")) return text;
  } catch {
    // It is no UTF-8.
  }
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, 512); at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part.map((it) => it.toString(16).padStart(2, "0")).join(" ").padEnd(48);
    const letters = part.map((it) => (it >= 0x20 && it < 0x7f ? String.fromCharCode(it) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hex}|${letters}|`);
  }
  return lines.join("\n");
}
