/** What a node whose clock is off answers to whoever wants a snapshot of it. */
import { type Answer, errno } from "@mortar/cluster";
import { seconds } from "./clock-skew.ts";

export function outOfStep(behindMs: number): Extract<Answer<never>, { ok: false }> {
  const detail = `This node's clock is ${seconds(behindMs)} s ${behindMs < 0 ? "ahead of" : "behind"} ` +
    "most of the others', and the snapshot would have its time.";
  return {
    ok: false,
    code: "node-unfit",
    opErrno: errno.EG_INTRNL,
    opErrstr: "The clock of this node is out of step with the cluster",
    warnings: [],
    details: [{
      object: "clock", detail,
      nextStep: "Set it by NTP, for instance: apt-get install chrony; or take it on another node",
    }],
  };
}
