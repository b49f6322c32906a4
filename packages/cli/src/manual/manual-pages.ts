/** The manual pages: mortar(1) with its own verbs, and one for each family of commands. */
import { mortarVersion } from "../version.ts";
import type { CommandFamily, TableCommand } from "./command-table.ts";
import { escaped, heading, helpText, item, literal, paragraph, subheading } from "./roff.ts";

export interface ManualPage {
  /** `mortar-volume.1` */
  readonly file: string;
  readonly text: string;
}

interface Page {
  readonly families: readonly CommandFamily[];
  readonly name: string;
  readonly summary: string;
  readonly about: readonly string[];
}

const PAGES: readonly Page[] = [
  {
    families: ["mortar"], name: "mortar",
    summary: "a scale-out file system with instant, crash-consistent snapshots",
    about: [
      "Mortar serves GlusterFS volumes to stock GlusterFS clients, and keeps each brick on a thin " +
        "logical volume in the format of LVM2 and dm-thin. This page has the verbs for a node; " +
        "volumes, snapshots and disks have the commands of GlusterFS and LVM, each a verb too.",
      "Called by a stock name, such as `gluster` or `lvs`, the program is that tool: see `aliases`.",
    ],
  },
  {
    families: ["volume"], name: "mortar-volume", summary: "volumes, in the words of GlusterFS",
    about: ["Command words may be shortened while they are unambiguous. Options may stand anywhere."],
  },
  {
    families: ["snapshot"], name: "mortar-snapshot",
    summary: "snapshots, in the words of GlusterFS and some of its own",
    about: ["A snapshot is of all bricks of a volume at one moment. Its names are unique in the cluster."],
  },
  {
    families: ["peer", "system"], name: "mortar-peer", summary: "the nodes of a cluster",
    about: ["Nodes that know each other are a pool: any of them takes the commands for all."],
  },
  {
    families: ["pool"], name: "mortar-pool", summary: "tools for thin pools",
    about: [
      "They read and mend the metadata of a pool: of one that is active, of the disks that it " +
        "lies on, or of a file of metadata.",
      "Exit codes: 0 the pool is sound, 1 it has defects or losses, 2 not possible as given.",
    ],
  },
  {
    families: ["lvm"], name: "mortar-lvm", summary: "disks, in the words of LVM",
    about: [
      "The tools need no daemon. Long options may be shortened while they are unambiguous. " +
        "Exit codes: 0 success, 3 a wrong command line, 5 failure.",
    ],
  },
];

const COMMON = [
  item("--root DIR", "Before the verb: keep everything of this node below DIR. Also MORTAR_ROOT."),
  item("--json", "Print the answer, what was done, or the problem as JSON: any verb but completion and help."),
  item("--xml", "Print the answer as stock GlusterFS does in XML: commands of volumes, snapshots and peers."),
  item("--help", "Behind any verb: its help, with an example."),
  item("NO_COLOR", "In the environment: no colours. Without a terminal there are none either."),
];

const FILES = [
  item("/etc/mortar/mortar.json", "Settings of this node, all optional."),
  item("/var/lib/mortar", "Who this node is, the state of the cluster, what has to come back."),
  item("/var/log/mortar", "Logs of mortard and of bricks, and who changed what."),
  item("/run/mortar/mortard.sock", "Where mortard is asked."),
];

/** `day`: as `2026-11-23`. */
export function manualPages(table: readonly TableCommand[], day: string): ManualPage[] {
  const pages = PAGES.map((page) => ({ file: `${page.name}.1`, text: pageText(page, table, day) }));
  return [...pages, { file: "mortard.8", text: ".so man1/mortar.1\n" }];
}

function pageText(page: Page, table: readonly TableCommand[], day: string): string {
  const { families, name, summary, about } = page;
  const commands = table.filter(({ family }) => families.includes(family));
  const others = PAGES.filter((it) => it !== page)
    .map((it, index, { length }) => `.BR ${escaped(it.name)} (1)${index < length - 1 ? "," : ""}\n`);
  return [
    `.TH ${name.toUpperCase()} 1 "${day}" "Mortar ${mortarVersion}" "Mortar"\n`,
    heading("NAME"),
    `${escaped(name)} \\- ${escaped(summary)}\n`,
    heading("SYNOPSIS"),
    families[0] === "mortar"
      ? ".B mortar\n[\\fB\\-\\-root\\fR \\fIDIR\\fR]\n\\fIVERB\\fR\n[\\fIWORD\\fR...]\n"
      : literal(commands.map(({ words }) => `mortar ${words.join(" ")} ...`)).replace(/^\.PP\n/, ""),
    heading("DESCRIPTION"),
    ...about.map((it) => paragraph(it)).map((it, index) => (index === 0 ? it.replace(/^\.PP\n/, "") : it)),
    heading("COMMANDS"),
    ...commands.map((it) => commandText(it)),
    heading("OPTIONS AND ENVIRONMENT"),
    ...COMMON,
    ...(families[0] === "mortar" ? [heading("FILES"), ...FILES] : []),
    heading("SEE ALSO"),
    ...others,
  ].join("");
}

function commandText({ words, usage, help, examples, family, options }: TableCommand): string {
  const hasExample = /^Examples?:|^ +mortar /m.test(help) || examples.length === 0;
  return [
    subheading(words.join(" ")),
    literal(usage.map((line) => `mortar ${line}`))
      .replace(/^\.PP\n/, ""),
    helpText(help),
    family === "lvm" ? paragraph(`Options: ${options.filter((it) => it.startsWith("--")).join(" ")}`) : "",
    hasExample ? "" : paragraph("Example:") + literal(examples),
  ].join("");
}
