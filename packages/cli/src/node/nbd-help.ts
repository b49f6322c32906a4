/** What `mortar help nbd` says. */

export const nbdUsage =
  "mortar [--root DIR] nbd export VG/LV [--socket PATH | --listen ADDRESS[:PORT] " +
  "(--tls-certificates DIR | --plain)] [--json]\n" +
  "       mortar [--root DIR] nbd unexport VG/LV [--socket PATH | --listen ADDRESS[:PORT]] [--json]\n" +
  "       mortar [--root DIR] nbd list [VG] [--json]";

export const nbdHelp =
  "Serve thin volumes to NBD clients such as QEMU. Every active thin volume is an export of its\n" +
  "pool's own socket, for root; `export` activates the volume, and adds other places:\n\n" +
  "--socket PATH              a unix socket, mode 0600\n" +
  "--listen ADDRESS[:PORT]    TCP; the port is 10809 unless given\n" +
  "--tls-certificates DIR     clients must use TLS, with a certificate of DIR/ca-cert.pem; the\n" +
  "                           server shows DIR/server-cert.pem, its key is DIR/server-key.pem\n" +
  "--plain                    TCP without TLS: whoever reaches the port reads and writes\n\n" +
  "`unexport` takes places away again; clients that are connected stay. Do not write to a volume\n" +
  "by NBD while it is mounted.\n\n" +
  "Example: mortar nbd export vg0/home --listen 192.0.2.1 --tls-certificates /etc/pki/nbd";
