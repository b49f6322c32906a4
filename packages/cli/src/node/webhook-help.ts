/** The help of `mortar webhook`. */
export const webhookHelp = `Tell programs elsewhere what happens: each event is sent as JSON, signed, by the node where it
happened, and tried again for some minutes when it is not taken.

add NAME URL         print the secret that bodies are signed with, once
  --events KIND,…    of these kinds; default: all (docs/MONITORING.md has them)
list                 who is told
test NAME            send an event that is none, once; exit code 1 when it is not taken
delete NAME          tell it no more

--json behind each: the same as JSON, with more of it

Example:
  mortar webhook add pager https://alerts.example.org/mortar --events brick-down,pool-full`;
