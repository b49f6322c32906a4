/** `volume info` and options as text. */
import type { OptionHelp, OptionValue, VolumeInfo } from "@mortar/api";

export function volumeInfoText(volumes: readonly VolumeInfo[]): string {
  return volumes.map(infoText).join("");
}

function infoText(volume: VolumeInfo): string {
  const bricks = volume.bricks.map((brick, index) => {
    const arbiter = brick.isArbiter ? " (arbiter)" : "";
    return `Brick${index + 1}: ${brick.host}:${brick.path}${arbiter}\n`;
  });
  const options = volume.options.map(({ name, value }) => `${name}: ${value}\n`);
  return (
    ` \nVolume Name: ${volume.name}\nType: ${volume.type}\nVolume ID: ${volume.id}\n` +
    `Status: ${volume.status}\nSnapshot Count: ${volume.snapshotCount}\n` +
    `Number of Bricks: ${brickCounts(volume)}\nTransport-type: ${volume.transport}\n` +
    `Bricks:\n${bricks.join("")}Options Reconfigured:\n${options.join("")}`
  );
}

/** `3`, `2 x 3 = 6`, or `1 x (2 + 1) = 3` where one kind of brick differs from the others. */
function brickCounts(volume: VolumeInfo): string {
  const { brickCount, distCount, replicaCount, arbiterCount } = volume;
  const { disperseCount, redundancyCount } = volume;
  if (disperseCount > 0) {
    const data = disperseCount - redundancyCount;
    return `${distCount} x (${data} + ${redundancyCount}) = ${brickCount}`;
  }
  if (replicaCount <= 1) return String(brickCount);
  if (arbiterCount > 0) {
    return `${distCount} x (${replicaCount - arbiterCount} + ${arbiterCount}) = ${brickCount}`;
  }
  return `${distCount} x ${replicaCount} = ${brickCount}`;
}

export function optionsText(options: readonly OptionValue[]): string {
  const rows = options.map(({ name, value }) => optionRow(name, value));
  return optionRow("Option", "Value") + optionRow("------", "-----") + rows.join("");
}

function optionRow(name: string, value: string): string {
  return `${name.padEnd(40)} ${value.padEnd(39)}\n`;
}

export function optionHelpText(options: readonly OptionHelp[]): string {
  return options
    .map(
      ({ name, defaultValue, description }) =>
        `Option: ${name}\nDefault Value: ${defaultValue === "" ? "(null)" : defaultValue}\n` +
        `Description: ${description}\n\n`,
    )
    .join("");
}
