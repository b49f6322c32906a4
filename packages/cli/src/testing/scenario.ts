/**
 * Text scenarios: a file of commands, what the daemon answers to them, and what is printed.
 *
 *     $ gluster snapshot list rv            the command line
 *     < snapshotList [{"name":"s1",…}]      the daemon's results, in the order of the calls
 *     x volumeStart {"opErrno":…}           or its refusals
 *     y no                                  a line on standard input
 *     ----
 *     s1                                    standard output; "! " before standard error
 *     exit 0                                the last line of a scenario
 *
 * Lines from `#` to the first command are the file's comment. Blank lines part scenarios.
 */
export interface Scenario {
  readonly command: string;
  /** Lines between the command and the dashes. */
  readonly given: readonly string[];
  readonly output: string;
}

const dashes = "\n----\n";

export function parseScenarios(text: string): { comment: string; scenarios: Scenario[] } {
  const start = text.indexOf("$ ");
  const blocks = text.slice(start).split(/\n\n(?=\$ )/);
  const scenarios = blocks.map((block) => {
    const at = block.indexOf(dashes);
    if (at === -1) throw new Error(`no ---- in: ${block}`);
    const [first = "", ...given] = block.slice(0, at).split("\n");
    const output = block.slice(at + dashes.length).replace(/\n$/, "");
    return { command: first.slice(2), given, output };
  });
  return { comment: text.slice(0, start), scenarios };
}

export function formatScenarios(comment: string, scenarios: readonly Scenario[]): string {
  const blocks = scenarios.map(
    ({ command, given, output }) => `${[`$ ${command}`, ...given].join("\n")}${dashes}${output}\n`,
  );
  return comment + blocks.join("\n");
}
