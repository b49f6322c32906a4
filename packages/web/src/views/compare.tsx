/** What changed between two snapshots of a volume, or since one: where its bricks differ. */
import type { Answer, SnapshotDiff } from "@mortar/api";
import { useEffect, useState } from "preact/hooks";
import { call } from "../call.ts";
import { bytesText, countText, timeText } from "../format.ts";
import { Card, Empty, Loaded, PageHead } from "../parts/frame.tsx";
import { Notes, ProblemNote } from "../parts/problem-note.tsx";
import { CommandLine } from "../parts/command-line.tsx";
import { useResource } from "../resource.ts";
import { choose, hashOf, place } from "../router.ts";
import { quoted } from "../shell-word.ts";

/** Stripes that are drawn of a brick: those of a screen's pixels are merged. */
const PIXELS = 600;

export function Compare() {
  const { volume = "", from: wanted, to = "live" } = place.value.query;
  const snapshots = useResource("snapshotList", { query: { volume } }, { skip: volume === "" });
  const sorted = (snapshots.data ?? []).toSorted((a, b) => a.createdAt - b.createdAt);
  // Nobody said which: the newest.
  const from = wanted ?? sorted.at(-1)?.name;
  const crumbs = [
    { text: "Volumes", href: "#/volumes" },
    { text: volume, href: hashOf(["volumes", volume]) },
  ];
  const answer = useDiff(from, to);
  return (
    <>
      <PageHead title={`What changed in ${volume}`} crumbs={crumbs} />
      <div class="stack">
        <Loaded of={snapshots}>
          {() => {
            if (from === undefined) return <Card title="Between"><Empty>{volume} has no snapshot yet.</Empty></Card>;
            const index = sorted.findIndex(({ name }) => name === from);
            return (
              <Card title="Between">
                <div class="columns">
                  <label class="field">
                    <span>From</span>
                    <select
                      value={from} onChange={(event) => choose({ volume, from: event.currentTarget.value, to: "live" })}
                    >
                      {sorted.map(({ name, createdAt }) => (
                        <option key={name} value={name}>{name} ({timeText(createdAt * 1000)})</option>
                      ))}
                    </select>
                  </label>
                  <label class="field">
                    <span>To</span>
                    <select value={to} onChange={(event) => choose({ volume, from, to: event.currentTarget.value })}>
                      {sorted.slice(index + 1).map(({ name, createdAt }) => (
                        <option key={name} value={name}>{name} ({timeText(createdAt * 1000)})</option>
                      ))}
                      <option value="live">now, the live volume</option>
                    </select>
                  </label>
                </div>
              </Card>
            );
          }}
        </Loaded>
        {from === undefined ? null : (
          <>
            {answer === undefined ? <p class="muted" role="status">Reading the metadata of pools…</p>
              : answer.ok ? <Difference of={answer.result} notes={answer.details.map(({ detail }) => detail)} />
                : <ProblemNote problem={answer.problem} />}
            <CommandLine text={`mortar snapshot diff ${quoted(from)} ${quoted(to)}`} />
          </>
        )}
      </div>
    </>
  );
}

function useDiff(from: string | undefined, to: string): Answer<SnapshotDiff> | undefined {
  const [answer, setAnswer] = useState<Answer<SnapshotDiff> | undefined>(undefined);
  useEffect(() => {
    const stop = new AbortController();
    setAnswer(undefined);
    if (from === undefined) return undefined;
    void (async () => {
      try {
        setAnswer(await call("snapshotDiff", { body: { from, to, ranges: true } }, stop.signal));
      } catch {
        // Aborted, or the page says already that nobody answers.
      }
    })();
    return () => stop.abort();
  }, [from, to]);
  return answer;
}

interface DifferenceProps {
  readonly of: SnapshotDiff;
  readonly notes: readonly string[];
}

function Difference({ of, notes }: DifferenceProps) {
  return (
    <>
      <Notes notes={notes} />
      <div class="tiles">
        <div class="card tile">
          <span class="label key">Written</span>
          <span class="figure">{bytesText(of.writtenBytes)}</span>
          <span class="muted small">in {countText(of.bricks.length, "brick")}, copies counted each</span>
        </div>
        <div class="card tile">
          <span class="label key discarded">Given back</span>
          <span class="figure">{bytesText(of.discardedBytes)}</span>
          <span class="muted small">by deleted files</span>
        </div>
      </div>
      <Card title="Where on the bricks">
        <div class="stack">
          {of.bricks.map((it) => <BrickStripes key={`${it.host}:${it.path}`} brick={it} />)}
        </div>
      </Card>
    </>
  );
}

function BrickStripes({ brick }: { readonly brick: SnapshotDiff["bricks"][number] }) {
  const { host, path, ranges, writtenBytes, discardedBytes, rangeCount } = brick;
  const end = ranges.reduce((most, it) => Math.max(most, it.offset + it.length), 1);
  const text = `${bytesText(writtenBytes)} written, ${bytesText(discardedBytes)} given back, ` +
    countText(rangeCount, "range");
  return (
    <div class="gauge">
      <div class="spread">
        <strong class="break mono">{host}:{path}</strong><span class="muted">{text}</span>
      </div>
      <svg class="stripes" viewBox={`0 0 ${PIXELS} 10`} preserveAspectRatio="none" role="img" aria-label={text}>
        {ranges.map(({ kind, offset, length }) => (
          <rect
            key={`${kind}${offset}`} class={kind} x={(offset / end) * PIXELS} y={kind === "written" ? 0 : 5}
            width={Math.max(1, (length / end) * PIXELS)} height={kind === "written" ? 10 : 5}
          />
        ))}
      </svg>
    </div>
  );
}
