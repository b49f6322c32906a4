/** The nodes of the cluster, and the picture of what is on them. */
import { countText, durationText } from "../format.ts";
import { Card, Loaded, PageHead } from "../parts/frame.tsx";
import { CommandLine } from "../parts/command-line.tsx";
import { Status } from "../parts/status.tsx";
import { useResource } from "../resource.ts";
import { hashOf } from "../router.ts";
import { byName, hostOf, NodePicture } from "./node-picture.tsx";

const SKEW_MS_MAX = 2_000;

export function Nodes() {
  const peers = useResource("peerList");
  const volumes = useResource("volumeInfoAll").data;
  const own = useResource("nodeStatus").data;
  return (
    <>
      <PageHead title="Nodes">
        {peers.data === undefined ? null : <span class="muted">{countText(peers.data.length, "node")}</span>}
      </PageHead>
      <div class="stack">
        <NodePicture />
        <Loaded of={peers}>
          {(all) => (
            <Card title="Members of the cluster" isTable>
              <table>
                <thead>
                  <tr>
                    <th scope="col">Node</th><th scope="col">State</th><th scope="col">Membership</th>
                    <th scope="col">Clock</th><th scope="col">Logs</th><th scope="col" class="wide-only">Id</th>
                  </tr>
                </thead>
                <tbody>
                  {byName(all, volumes).map((peer) => (
                    <tr key={peer.uuid}>
                      <th scope="row" class="break">
                        {peer.self ? own?.host ?? hostOf(peer, volumes) : peer.hostname}{" "}
                        {peer.self ? <span class="tag accent">answers this page</span> : null}
                      </th>
                      <td>
                        {peer.connected ? <Status level="ok">answers</Status> : <Status level="bad">no answer</Status>}
                      </td>
                      <td class="nowrap">{peer.stateName}</td>
                      <td class="nowrap"><Skew ms={peer.clockSkewMs} isSelf={peer.self} /></td>
                      <td>
                        <a
                          href={hashOf(["logs"], { node: peer.self ? "self" : peer.uuid })}
                          aria-label={`Logs of ${peer.hostname}`}
                        >
                          Logs
                        </a>
                      </td>
                      <td class="mono muted wide-only">{peer.uuid}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Card>
          )}
        </Loaded>
        {own === undefined ? null : (
          <Card title={`This node, ${own.host}`}>
            <dl class="facts">
              <dt>Version</dt><dd>{own.version}</dd>
              <dt>Runs for</dt><dd>{durationText(Date.now() - own.startedAt * 1000)}</dd>
              <dt>GlusterFS clients</dt><dd>{own.glusterClients}</dd>
              <dt>Logs</dt><dd class="mono">{own.logDirectory}</dd>
            </dl>
          </Card>
        )}
        <Card title="Let a node in">
          <div class="stack tight">
            <p>Start Mortar on it, and name it on a node of the cluster:</p>
            <CommandLine text="mortar peer probe HOST" />
          </div>
        </Card>
      </div>
    </>
  );
}

function Skew({ ms, isSelf }: { readonly ms: number | undefined; readonly isSelf: boolean }) {
  if (isSelf) return <span class="muted">–</span>;
  if (ms === undefined) return <span class="muted">not known</span>;
  const text = `${ms >= 0 ? "+" : "−"}${durationText(Math.abs(ms))}`;
  return Math.abs(ms) > SKEW_MS_MAX ? <Status level="warn">{text}</Status> : <span>{text}</span>;
}
