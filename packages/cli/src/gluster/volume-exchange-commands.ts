/** `gluster volume replace-brick|reset-brick`: one brick of a volume in the place of another. */
import type { ResetBrickBody } from "@mortar/api";
import { present } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";

export const volumeExchangeCommands: readonly GlusterCommand[] = [
  {
    words: ["volume", "replace-brick"],
    usage: "volume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}",
    help: "replace-brick operations",
    more:
      "The new brick is healed from the others of its set, while clients work. The former one\n" +
      "keeps what is on it. --dry-run says what would be done, and how much is to be healed.",
    run: replaceBrick,
  },
  {
    words: ["volume", "reset-brick"],
    usage: "volume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}",
    help: "reset-brick operations",
    more:
      "start takes a brick out, for its disk to be changed; commit brings it back, emptied, under\n" +
      "the same path. commit force also takes a directory that is not empty. --dry-run says what each does.",
    run: resetBrick,
  },
];

async function replaceBrick(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  if (volume === undefined) throw new UsageError();
  const [source, target] = exchangeOf(words);
  const success = "replace-brick commit force operation successful";
  const client = await session.client();
  return present(session, await client.volumeReplaceBrick(volume, { source, target }), {
    text: () => `volume replace-brick: success: ${success}\n`,
    xml: () => [],
    xmlSuccess: success,
    failed: "volume replace-brick: failed: ",
  });
}

/** The words behind the volume: `SOURCE TARGET commit force`. */
export function exchangeOf(words: readonly string[]): readonly [source: string, target: string] {
  const [source, target, ...operation] = words;
  if (source === undefined || target === undefined || operation.length !== 2) {
    throw new UsageError();
  }
  refuseNoBrick(source);
  refuseNoBrick(target);
  const [commit, force] = operation;
  if (commit === "commit" && force === "force") return [source, target];
  throw new UsageError(
    `Invalid option '${commit}' '${force}' for replace-brick. ` +
      "Please enter valid replace-brick command",
  );
}

async function resetBrick(session: Session, args: readonly string[]): Promise<number> {
  const [volume, ...words] = args;
  if (volume === undefined) throw new UsageError();
  const body = resetOf(words);
  const word = body.action === "force" ? "commit force" : body.action;
  const success = `reset-brick ${word} operation successful`;
  const client = await session.client();
  return present(session, await client.volumeResetBrick(volume, body), {
    text: () => `volume reset-brick: success: ${success}\n`,
    xml: () => [],
    xmlSuccess: success,
    failed: "volume reset-brick: failed: ",
  });
}

/** `SOURCE start`, or `SOURCE TARGET commit [force]`. */
export function resetOf([source, ...words]: readonly string[]): ResetBrickBody {
  if (source === undefined || words.length === 0 || words.length > 3) throw new UsageError();
  const [target = "", ...operation] = words;
  if (operation.length === 0) {
    refuseUnless(target === "start", target);
    refuseNoBrick(source);
    return { source, action: "start" };
  }
  const said = operation.join(" ");
  refuseUnless(said === "commit" || said === "commit force", said);
  refuseNoBrick(source);
  refuseNoBrick(target);
  return { source, target, action: operation.length === 1 ? "commit" : "force" };
}

function refuseUnless(isValid: boolean, said: string): void {
  if (isValid) return;
  throw new UsageError(
    `Invalid option '${said}' for reset-brick. Please enter valid reset-brick command`,
  );
}

/** Of a brick that is there, or takes its place. */
export function refuseNoBrick(brick: string): void {
  if (/^[^\s/]+:\//.test(brick)) return;
  throw new UsageError(`wrong brick type: ${brick}, use <HOSTNAME>:<export-dir-abs-path>`);
}
