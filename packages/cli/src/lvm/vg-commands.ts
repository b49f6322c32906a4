/** `vgrename`, `vgexport`, `vgimport` and `vgck`. */
import { isValidName } from "@mortar/vg";
import type { OptionSpec } from "./command-line.ts";
import { changeOptions, commonOptions } from "./common-options.ts";
import { forEach } from "./group-commands.ts";
import { failed } from "./lvm-exit.ts";
import { chooseGroupNames, noMatch, vgMissing, vgOperand } from "./names.ts";
import { selectOption } from "./select-operands.ts";
import type { Session } from "./session.ts";

export async function vgrename(session: Session): Promise<number> {
  const { tool, names } = session.line;
  const [first, second, ...rest] = names;
  if (first === undefined || second === undefined || rest.length > 0) throw noMatch(tool);
  const groups = await session.groups();
  const given = vgOperand(tool, first);
  const to = vgOperand(tool, second);
  const { groups: views } = await groups.view();
  const from = views.find(({ vg }) => vg.id === given)?.vg.name ?? given;
  if (!isValidName(to)) {
    throw failed(
      "Name contains invalid character, valid set includes: [a-zA-Z0-9.-_+].",
      `New volume group name "${to}" is invalid.`,
    );
  }
  await groups.renameVg(from, to);
  session.say(`Volume group "${from}" successfully renamed to "${to}"`);
  return 0;
}

export const vgexportOptions: readonly OptionSpec[] = [
  ...changeOptions,
  { long: "all", short: "a" },
  selectOption,
];

export async function vgexport(session: Session): Promise<number> {
  const groups = await session.groups();
  return await forEach(session, await named(session), async (name) => {
    await groups.exportVg(name);
    session.say(`Volume group "${name}" successfully exported`);
  });
}

export async function vgimport(session: Session): Promise<number> {
  const groups = await session.groups();
  return await forEach(session, await named(session), async (name) => {
    await groups.importVg(name);
    session.say(`Volume group "${name}" successfully imported`);
  });
}

/** These want their groups named, or `-a`. */
async function named(session: Session): Promise<string[]> {
  const { line } = session;
  if (line.names.length === 0 && !line.has("all") && !line.has("select")) {
    throw noMatch(line.tool);
  }
  return chooseGroupNames(session, await (await session.groups()).view());
}

export const vgckOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "reportformat", value: true },
  { long: "updatemetadata" },
];

/** To have read a group is to have checked it: a damaged text is told of, and is no group. */
export async function vgck(session: Session): Promise<number> {
  const { line } = session;
  const groups = await session.groups();
  const machine = await groups.view();
  const names = chooseGroupNames(session, machine);
  return await forEach(session, names, async (name) => {
    const view = machine.groups.find(({ vg }) => vg.name === name);
    if (view === undefined) throw failed(...vgMissing(name));
    const missing = view.vg.physicalVolumes.filter((pv) => !view.found.has(pv.key)).length;
    if (missing > 0) throw failed(`The volume group is missing ${missing} physical volumes.`);
    // The next seqno on every metadata area brings those that differ in step.
    if (line.has("updatemetadata")) await groups.changeVg(name, (vg) => ({ ...vg }));
  });
}
