/**
 * The recorded session: commands behind `+ `, each followed by what it printed.
 *
 * It was recorded with `set -x`, which shows neither redirections nor pipes, and repeats
 * assignments and the heads of loops; `time` has left three lines behind some commands.
 */
export interface RecordedCommand {
  readonly command: string;
  readonly output: readonly string[];
}

export function parseRecording(text: string): RecordedCommand[] {
  const commands: { command: string; output: string[] }[] = [];
  for (const line of text.trimEnd().split("\n")) {
    // A control character stands before the first line of the recording.
    const start = /^c?\+ (.*)$/.exec(line);
    if (start !== null) commands.push({ command: start[1] ?? "", output: [] });
    else commands.at(-1)?.output.push(line);
  }
  return commands.map(({ command, output }) => ({ command, output: withoutTimes(output) }));
}

function withoutTimes(output: readonly string[]): readonly string[] {
  const times = output.findIndex(
    (line, index) => line === "" && output[index + 1]?.startsWith("real\t"),
  );
  return times === -1 ? output : output.toSpliced(times, 4);
}
