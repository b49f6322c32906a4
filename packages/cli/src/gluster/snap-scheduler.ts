/**
 * `snap_scheduler.py`: its verbs, messages and exit codes, over Mortar's schedules.
 *
 * Stock's scheduler is switched on and off as a whole; here every schedule is. "Disabled" is when
 * none is enabled although there are some. Its cron expressions are in the node's local time.
 */
import { join } from "node:path";
import { ApiError, MortarClient, type Problem, type Schedule } from "@mortar/api";
import type { CliIo } from "../io.ts";
import type { ClientMethod } from "./command.ts";
import { machineTimeZone } from "./time-argument.ts";

type Client = Pick<MortarClient, ClientMethod>;

/** Stock's exit codes. */
const exit = {
  internalError: 2,
  alreadyDisabled: 7,
  alreadyEnabled: 8,
  jobExists: 11,
  jobMissing: 12,
  invalidJob: 13,
  invalidVolume: 14,
  invalidSchedule: 15,
  invalidArgument: 16,
  volumeMissing: 17,
} as const;

const COLUMN_MIN = 12;
const COLUMN_GAP = 5;

const usage =
  "usage: snap_scheduler.py [-h] {init,status,enable,disable,disable_force,list,add,edit,delete}\n" +
  '       snap_scheduler.py add "Job Name" "Schedule" "Volume Name"\n' +
  '       snap_scheduler.py edit "Job Name" "Schedule" "Volume Name"\n' +
  '       snap_scheduler.py delete "Job Name"\n' +
  'Example: snap_scheduler.py add "nightly" "0 2 * * *" "vms"\n';

const cronHelp = `* * * * *
| | | | |
| | | | +---- Day of the Week   (range: 1-7, 1 standing for Monday)
| | | +------ Month of the Year (range: 1-12)
| | +-------- Day of the Month  (range: 1-31)
| +---------- Hour              (range: 0-23)
+------------ Minute            (range: 0-59)
`;

export async function snapScheduler(
  args: readonly string[],
  io: CliIo,
  { root, client: given }: { readonly root: string; readonly client?: Client },
): Promise<number> {
  if (args[0] === "-h" || args[0] === "--help") {
    io.stdout.write(usage);
    return 0;
  }
  const socketPath = join(root, "run/mortar/mortard.sock");
  const scheduler = new SnapScheduler(given ?? new MortarClient({ socketPath }), io);
  try {
    return await scheduler.run(args);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    io.stdout.write(`snap_scheduler: ${error.message}\n`);
    return exit.internalError;
  }
}

class SnapScheduler {
  readonly #client: Client;
  readonly #io: CliIo;

  constructor(client: Client, io: CliIo) {
    this.#client = client;
    this.#io = io;
  }

  async run([verb, ...words]: readonly string[]): Promise<number> {
    const [job = "", cron = "", volume = ""] = words;
    const count = words.length;
    if (count === 0 && verb === "init") {
      return this.#say("Successfully initialised snapshot scheduler for this node", 0);
    }
    if (count === 0 && verb === "status") return this.#status();
    if (count === 0 && verb === "list") return this.#list();
    if (count === 0 && verb === "enable") return this.#set(true);
    if (count === 0 && (verb === "disable" || verb === "disable_force")) return this.#set(false);
    if (count === 3 && (verb === "add" || verb === "edit")) {
      return this.#checked(job, cron, volume) ?? (await this.#put(verb, job, cron, volume));
    }
    if (count === 1 && verb === "delete") return this.#delete(job);
    this.#io.stderr.write(usage);
    return exit.invalidArgument;
  }

  #say(message: string, exitCode: number): number {
    this.#io.stdout.write(`snap_scheduler: ${message}\n`);
    return exitCode;
  }

  async #schedules(): Promise<readonly Schedule[]> {
    const answer = await this.#client.scheduleList();
    if (answer.ok) return answer.result;
    throw new ApiError("bad-answer", answer.problem.detail);
  }

  async #status(): Promise<number> {
    const state = isEnabled(await this.#schedules()) ? "Enabled" : "Disabled";
    return this.#say(`Snapshot scheduling status: ${state}`, 0);
  }

  async #set(enabled: boolean): Promise<number> {
    const schedules = await this.#schedules();
    // Without schedules there is nothing to switch, and a script goes on as with stock.
    if (schedules.length > 0 && isEnabled(schedules) === enabled) {
      return enabled
        ? this.#say(
            "Failed to enable snapshot scheduling. " +
              "Error: Snapshot scheduling is already enabled.",
            exit.alreadyEnabled,
          )
        : this.#say(
            "Failed to disable scheduling. Error: Snapshot scheduling is already disabled.",
            exit.alreadyDisabled,
          );
    }
    const answer = await this.#client.scheduleSet({ enabled });
    if (!answer.ok) return this.#say(answer.problem.detail, exit.internalError);
    return this.#say(`Snapshot scheduling is ${enabled ? "enabled" : "disabled"}`, 0);
  }

  async #list(): Promise<number> {
    const schedules = await this.#schedules();
    if (schedules.length === 0) return this.#say("No snapshots scheduled", 0);
    const rows = schedules.map(({ name, cron, volumes }) => [name, cron, volumes.join(" ")] as const);
    const longest = Math.max(COLUMN_MIN, ...rows.flat().map((it) => it.length));
    const line = (cells: readonly string[]) =>
      `${cells.map((it) => it.padEnd(longest + COLUMN_GAP)).join("")}\n`;
    this.#io.stdout.write(
      line(["JOB_NAME", "SCHEDULE", "OPERATION", "VOLUME NAME"]) +
        `${"-".repeat((longest + COLUMN_GAP) * 4)}\n` +
        rows.map(([job, cron, volume]) => line([job, cron, "Snapshot Create", volume])).join(""),
    );
    return 0;
  }

  #checked(job: string, cron: string, volume: string): number | undefined {
    const rule = 'should not be empty and should not contain " " character.';
    if (!/^\S+$/.test(job)) return this.#say(`Invalid Jobname. Jobname ${rule}`, exit.invalidJob);
    if (!/^\S+$/.test(volume)) {
      return this.#say(`Invalid Volname. Volname ${rule}`, exit.invalidVolume);
    }
    return cron.trim().split(/\s+/).length === 5 ? undefined : this.#invalidCron();
  }

  #invalidCron(): number {
    this.#say(
      "Invalid Schedule. Please refer to the following for adding a valid cron schedule",
      exit.invalidSchedule,
    );
    this.#io.stdout.write(cronHelp);
    return exit.invalidSchedule;
  }

  async #put(verb: "add" | "edit", name: string, cron: string, volume: string): Promise<number> {
    const before = await this.#schedules();
    const settings = { cron, volumes: [volume], timeZone: machineTimeZone() };
    const answer =
      verb === "add"
        ? await this.#client.scheduleAdd({ name, ...settings })
        : await this.#client.scheduleEdit(name, settings);
    if (!answer.ok) return this.#refused(verb, name, volume, answer.problem);
    // With the scheduler off a new job is off too.
    if (verb === "add" && !isEnabled(before)) {
      const off = await this.#client.scheduleSet({ name, enabled: false });
      if (!off.ok) {
        return this.#say(
          `${name} was added, and is enabled although scheduling is not: ${off.problem.detail}`,
          exit.internalError,
        );
      }
    }
    return this.#say(`Successfully ${verb}ed snapshot schedule`, 0);
  }

  async #delete(name: string): Promise<number> {
    const answer = await this.#client.scheduleDelete(name);
    if (!answer.ok) return this.#refused("delete", name, "", answer.problem);
    return this.#say("Successfully deleted snapshot schedule", 0);
  }

  #refused(verb: string, job: string, volume: string, { type, detail }: Problem): number {
    switch (type) {
      case "schedule-exists":
        return this.#say(
          `${job} already exists in schedule. Use 'edit' to modify ${job}`, exit.jobExists,
        );
      case "schedule-missing":
        return this.#say(`Failed to ${verb} ${job}. Error: No such job scheduled`, exit.jobMissing);
      case "volume-missing":
        return this.#say(
          `Volume ${volume} does not exist. Create ${volume} and retry.`, exit.volumeMissing,
        );
      case "bad-argument":
        return this.#say(detail, exit.invalidSchedule);
      default:
        return this.#say(`Failed to ${verb} snapshot schedule. Error: ${detail}`, exit.internalError);
    }
  }
}

function isEnabled(schedules: readonly Schedule[]): boolean {
  return schedules.length === 0 || schedules.some((it) => it.enabled);
}
