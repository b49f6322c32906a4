/** `system::`, what scripts and tests ask of the daemon of this machine. */
import type { NodeStatus } from "@mortar/api";
import { cliOutput, json } from "./answer.ts";
import { type GlusterCommand, type Session, UsageError } from "./command.ts";

const family = "system::";

export const systemCommands: readonly GlusterCommand[] = [
  {
    words: ["system::", "getwd"],
    usage: "system:: getwd",
    help: "query glusterd work directory",
    family,
    run: (session, args) => tell(session, args, ({ stateDirectory }) => stateDirectory),
  },
  {
    words: ["system::", "uuid", "get"],
    usage: "system:: uuid get",
    help: "get uuid of glusterd",
    family,
    run: (session, args) => tell(session, args, ({ uuid }) => `UUID: ${uuid}`),
  },
  ...(
    [
      ["system:: uuid reset", "reset the uuid of glusterd", 3],
      ["system:: getspec <VOLNAME>", "fetch the volume file for the volume <VOLNAME>", 2],
      ["system:: portmap brick2port <BRICK>", "query which port <BRICK> listens on", 3],
      ["system:: fsm log [<peer-name>]", "display fsm transitions", 3],
      ["system:: mount <label> <args...>", "request a mount", 2],
      ["system:: umount <path> [lazy]", "request an umount", 2],
      [
        "system:: copy file [<filename>]",
        "Copy file from current node's $working_dir to $working_dir of all cluster nodes", 3,
      ],
      [
        "system:: execute <command> <args>",
        "Execute the command on all the nodes in the cluster and display their output.", 2,
      ],
    ] as const
  ).map(([usage, help, count]) => ({ words: usage.split(" ").slice(0, count), usage, help, family })),
  {
    words: ["system::", "help"],
    usage: "system:: help",
    help: "display help for system commands",
    family,
    async run({ io }, args) {
      if (args.length > 0) throw new UsageError();
      io.stdout.write(systemCommands.map((it) => `${it.usage} - ${it.help}\n`).sort().join(""));
      return 0;
    },
  },
];

async function tell(
  session: Session,
  args: readonly string[],
  lineOf: (status: NodeStatus) => string,
): Promise<number> {
  if (args.length > 0) throw new UsageError();
  const client = await session.client();
  const answer = await client.nodeStatus();
  const line = answer.ok ? lineOf(answer.result) : answer.problem.detail;
  if (session.format === "json") session.io.stdout.write(json({ output: line }));
  else if (session.format === "xml") {
    session.io.stdout.write(cliOutput(answer.ok ? 0 : -1, 0, line, []));
  } else session.io[answer.ok ? "stdout" : "stderr"].write(`${line}\n`);
  return answer.ok ? 0 : 1;
}
