/** `volume heal … info` and `statistics`: stock's lines, from what the bricks themselves tell. */
import type { HealBrick, HealCounts, HealCrawl, HealReport, HealStatistics } from "@mortar/api";
import { element, mixedElement, type XmlElement } from "../xml.ts";
import { present } from "./answer.ts";
import { type Session, UsageError } from "./command.ts";
import { healDocument, presentHealTool } from "./volume-heal-tool.ts";

const AWAY = "Transport endpoint is not connected";
const views = ["summary", "split-brain"] as const;
type View = (typeof views)[number] | "info";

export async function healInfo(
  session: Session,
  volume: string,
  rest: readonly string[],
): Promise<number> {
  const [word, ...more] = rest;
  const view = word === undefined ? "info" : views.find((it) => it === word);
  if (view === undefined || more.length > 0) throw new UsageError();
  const client = await session.client();
  const { format } = session;
  const tool = format === "json" ? {} : { tool: format };
  const answer = await client.volumeHealInfo(volume, { view, ...tool });
  if (answer.ok && format !== "json") {
    for (const warning of answer.warnings) session.io.stderr.write(`Warning: ${warning}\n`);
  }
  return presentHealTool(session, answer, (report) => report.tool ?? {
    exitCode: 0,
    output: format === "xml" ? reportXml(report, view) : reportText(report, view),
  });
}

function reportText({ bricks }: HealReport, view: View): string {
  return bricks.map((it) => `${brickLines(it, view).join("\n")}\n\n`).join("");
}

function brickLines(brick: HealBrick, view: View): string[] {
  const { host, path, online, pending, splitBrain, healing } = brick;
  const number = (count: number): string => (online ? String(count) : "-");
  const lines = [`Brick ${host}:${path}`];
  const status = `Status: ${online ? "Connected" : AWAY}`;
  if (view === "summary") {
    return [
      ...lines, status,
      `Total Number of entries: ${number(pending + splitBrain + healing)}`,
      `Number of entries in heal pending: ${number(pending)}`,
      `Number of entries in split-brain: ${number(splitBrain)}`,
      `Number of entries possibly healing: ${number(healing)}`,
    ];
  }
  const entries = brick.entries.map((it) =>
    view === "split-brain" ? nameOf(it) : `${nameOf(it)} ${suffixes[it.state]}`);
  const count = view === "split-brain"
    ? `Number of entries in split-brain: ${number(splitBrain)}`
    : `Number of entries: ${number(pending + splitBrain + healing)}`;
  return [...lines, ...entries, status, count];
}

type Entry = HealBrick["entries"][number];

const suffixes: Readonly<Record<Entry["state"], string>> = {
  pending: "",
  "split-brain": "- Is in split-brain",
  healing: "- Possibly undergoing heal",
};

function nameOf({ path, gfid }: Entry): string {
  return path ?? `<gfid:${gfid}>`;
}

function reportXml({ bricks }: HealReport, view: View): string {
  return healDocument(bricks.map((it) => brickXml(it, view)), [0, 0, ""]);
}

function brickXml(brick: HealBrick, view: View): XmlElement {
  const { host, path, online, hostUuid, pending, splitBrain, healing } = brick;
  const number = (count: number): string => (online ? String(count) : "-");
  const total = pending + splitBrain + healing;
  const counts = view === "summary"
    ? [
        element("totalNumberOfEntries", number(total)),
        element("numberOfEntriesInHealPending", number(pending)),
        element("numberOfEntriesInSplitBrain", number(splitBrain)),
        element("numberOfEntriesPossiblyHealing", number(healing)),
      ]
    : [element("numberOfEntries", number(view === "split-brain" ? splitBrain : total))];
  const files = brick.entries.map((it) => mixedElement("file", { gfid: it.gfid }, nameOf(it), []));
  return {
    name: "brick",
    attributes: { hostUuid: online ? hostUuid : "-" },
    text: "",
    children: [
      element("name", `${host}:${path}`),
      ...files,
      element("status", online ? "Connected" : AWAY),
      ...counts,
    ],
  };
}

/** Stock has no XML of these: its lines are the same with `--xml`. */
export async function healStatistics(session: Session, volume: string): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeHealStatistics(volume);
  return present(asText(session), answer, {
    text: (result) => statisticsText(volume, result),
    xml: () => [],
    failed: `Gathering crawl statistics on volume ${volume} has been unsuccessful:\n`,
  });
}

function asText(session: Session): Session {
  return session.format === "xml" ? { ...session, format: "text" } : session;
}

function statisticsText(volume: string, { bricks }: HealStatistics): string {
  const parts = bricks.map(({ host, crawls }, index) =>
    `${"-".repeat(48)}\n\nCrawl statistics for brick no ${index}\nHostname of brick ${host}\n` +
    (crawls === undefined ? "No gathered input for this brick\n" : crawls.map(crawlText).join("")));
  return `Gathering crawl statistics on volume ${volume} has been successful \n${parts.join("")}`;
}

/** Times end with a line end of their own. */
function crawlText({ type, startedAt, endedAt, healed, splitBrain, failed }: HealCrawl): string {
  const end = endedAt === undefined
    ? "\nCrawl is in progress\n" : `\nEnding time of crawl: ${endedAt}\n\n`;
  return (
    `\nStarting time of crawl: ${startedAt}\n${end}Type of crawl: ${type}\n` +
    `No. of entries healed: ${healed}\nNo. of entries in split-brain: ${splitBrain}\n` +
    `No. of heal failed entries: ${failed}\n`
  );
}

export async function healCount(
  session: Session,
  volume: string,
  brick: string | undefined,
): Promise<number> {
  const client = await session.client();
  const answer = await client.volumeHealCount(volume, brick === undefined ? {} : { brick });
  const of = brick === undefined ? "" : " per replica";
  const what = `Gathering count of entries to be healed${of} on volume ${volume}`;
  return present(asText(session), answer, {
    text: (result) => `${what} has been successful \n${countsText(result)}`,
    xml: () => [],
    failed: `${what} has been unsuccessful:\n`,
  });
}

function countsText({ bricks }: HealCounts): string {
  return bricks.map(({ host, path, count }) =>
    `\nBrick ${host}:${path}\n` +
    (count === undefined ? "No gathered input for this brick\n" : `Number of entries: ${count}\n`),
  ).join("");
}
