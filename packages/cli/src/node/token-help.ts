/** The help of `mortar token`. */
export const tokenHelp = `Let people and programs ask over the network, with "web" in mortar.json. Any node knows the
tokens of all.

create NAME --role ROLE   print a new token, once; ROLE is viewer (looks), operator (takes and keeps
                          snapshots, starts, heals) or admin (everything)
  --days N                for so long; default: until it is revoked
list                      who has one
revoke NAME               it is worth nothing from now on

--json behind each: the same as JSON, with more of it

Example:
  mortar token create grafana --role viewer
  curl -H "Authorization: Bearer TOKEN" https://n1:24010/v1/volumes`;
