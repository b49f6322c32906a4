/** Volume options: network, authentication, services. See volume-option-table.ts. */
export const networkRows = `
network.frame-timeout | protocol/client | 1800 | time 0..86400
network.ping-timeout | protocol/client | 42 | time 0..1013
network.tcp-window-size | protocol/client |  | size 0..1MB
client.ssl | protocol/client:transport.socket.ssl-enabled | off | bool | always
network.remote-dio | protocol/client:filter-O_DIRECT | disable | bool
client.own-thread | protocol/client:transport.socket.own-thread |  | any | unlisted hidden
client.event-threads | protocol/client | 2 | int 1..32
client.tcp-user-timeout | protocol/client:transport.tcp-user-timeout | 0 | int 0.. | always
client.keepalive-time | protocol/client:transport.socket.keepalive-time | 20 | int 0.. | always
client.keepalive-interval|protocol/client:transport.socket.keepalive-interval|2|int 0..|always
client.keepalive-count | protocol/client:transport.socket.keepalive-count | 9 | int 0.. | always
client.strict-locks | protocol/client | off | switch | always
client.ta-brick-port | protocol/client:ta-remote-port |  | any | unlisted
network.tcp-window-size | protocol/server |  | size 0..1MB | hidden
network.inode-lru-limit | protocol/server | 16384 | int 0..1048576
auth.allow | protocol/server:!server-auth | * | addresses | always
auth.reject | protocol/server:!server-auth |  | addresses
transport.keepalive | protocol/server:transport.socket.keepalive | 1 | int 0.. | always hidden
server.allow-insecure | protocol/server:rpc-auth-allow-insecure | on | bool
server.root-squash | protocol/server | off | bool
server.all-squash | protocol/server | off | bool
server.anonuid | protocol/server | 65534 | int 0..4294967295
server.anongid | protocol/server | 65534 | int 0..4294967295
server.statedump-path | protocol/server | /var/run/gluster | path
server.outstanding-rpc-limit | protocol/server:rpc.outstanding-rpc-limit | 64 | int 0..65536
server.ssl | protocol/server:transport.socket.ssl-enabled | off | bool | always
auth.ssl-allow | protocol/server:!ssl-allow | * | address-list | always
server.manage-gids | protocol/server | off | bool
server.dynamic-auth | protocol/server | on | bool
client.send-gids | protocol/client | on | bool | hidden
server.gid-timeout | protocol/server | 300 | int
server.own-thread | protocol/server:transport.socket.own-thread |  | any | hidden
server.event-threads | protocol/server | 2 | int 1..1024
server.tcp-user-timeout | protocol/server:transport.tcp-user-timeout | 42 | time 0..1013
server.keepalive-time | protocol/server:transport.socket.keepalive-time | 20 | int 0.. | always
server.keepalive-interval|protocol/server:transport.socket.keepalive-interval|2|int 0..|always
server.keepalive-count | protocol/server:transport.socket.keepalive-count | 9 | int 0.. | always
transport.listen-backlog|protocol/server:transport.listen-backlog|1024|int 0..2147483647|always
ssl.own-cert | rpc-transport/socket:!ssl-own-cert |  | string
ssl.private-key | rpc-transport/socket:!ssl-private-key |  | string
ssl.ca-list | rpc-transport/socket:!ssl-ca-list |  | string
ssl.crl-path | rpc-transport/socket:!ssl-crl-path |  | string
ssl.certificate-depth | rpc-transport/socket:!ssl-cert-depth |  | int
ssl.cipher-list | rpc-transport/socket:!ssl-cipher-list |  | string
ssl.dh-param | rpc-transport/socket:!ssl-dh-param |  | string
ssl.ec-curve | rpc-transport/socket:!ssl-ec-curve |  | string
transport.address-family | protocol/server:!address-family |  | any | hidden
performance.write-behind | performance/write-behind:!perf | on | bool | always
performance.read-ahead | performance/read-ahead:!perf | off | bool | always
performance.readdir-ahead | performance/readdir-ahead:!perf | off | bool | always
performance.io-cache | performance/io-cache:!perf | off | bool | always
performance.open-behind | performance/open-behind:!perf | on | bool | always
performance.quick-read | performance/quick-read:!perf | on | bool | always
performance.nl-cache | performance/nl-cache:!perf | off | bool | always
performance.stat-prefetch | performance/md-cache:!perf | on | bool | always
performance.client-io-threads | performance/io-threads:!perf | on | bool | always
performance.nfs.write-behind | performance/write-behind:!nfsperf | on | bool | always
performance.nfs.read-ahead | performance/read-ahead:!nfsperf | off | bool | always hidden
performance.nfs.io-cache | performance/io-cache:!nfsperf | off | bool | always hidden
performance.nfs.quick-read | performance/quick-read:!nfsperf | off | bool | always hidden
performance.nfs.stat-prefetch | performance/md-cache:!nfsperf | off | bool | always hidden
performance.nfs.io-threads | performance/io-threads:!nfsperf | off | bool | always hidden
performance.force-readdirp | performance/md-cache | true | bool
performance.cache-invalidation | performance/md-cache | false | bool
performance.global-cache-invalidation | performance/md-cache | true | bool
features.uss | features/snapview-server | off | switch | always
features.snapshot-directory | features/snapview-client | .snaps | string | always
features.show-snapshot-directory | features/snapview-client | off | bool | always
features.tag-namespaces | features/namespace | off | bool | always
network.compression | features/cdc:!feat | off | bool | always
network.compression.window-size | features/cdc:window-size | -15 | int
network.compression.mem-level | features/cdc:mem-level | 8 | int
network.compression.min-size | features/cdc:min-size | 0 | int
network.compression.compression-level | features/cdc:compression-level | -1 | int
network.compression.debug | features/cdc:debug | false | bool | hidden
features.limit-usage | features/quota:limit-set |  | any | unlisted hidden
features.default-soft-limit | features/quota | 80% | percent 0..100 | hidden
features.soft-timeout | features/quota | 60 | time 0..1800 | hidden
features.hard-timeout | features/quota | 5 | time 0..60 | hidden
features.alert-time | features/quota | 86400 | time 0..604800 | hidden
features.quota-deem-statfs | features/quota:deem-statfs | off | bool | always
geo-replication.indexing | features/marker:xtime | off | bool | always hidden
geo-replication.indexing | features/marker:!xtime | off | bool | always hidden
geo-replication.ignore-pid-check | features/marker:gsync-force-xtime | off | bool | always hidden
geo-replication.ignore-pid-check | features/marker:!gsync-force-xtime | off | bool | always hidden
features.quota | features/marker | off | bool | always hidden
features.inode-quota | features/marker | off | bool | always hidden
features.bitrot | features/bit-rot | disable | bool | always hidden
debug.trace | debug/trace:!debug | off | string | always hidden
debug.log-history | debug/trace | no | bool | hidden
debug.log-file | debug/trace | no | bool | hidden
debug.exclude-ops | debug/trace |  | string | hidden
debug.include-ops | debug/trace |  | string | hidden
debug.error-gen | debug/error-gen:!debug | off | string | always hidden
debug.error-failure | debug/error-gen:failure |  | percent 0..100 | hidden
debug.error-number | debug/error-gen:error-no |  | string | hidden
debug.random-failure | debug/error-gen | off | bool | hidden
debug.error-fops | debug/error-gen:enable |  | string | hidden
nfs.enable-ino32 | nfs/server:nfs.enable-ino32 | no | bool | unlisted
nfs.mem-factor | nfs/server:nfs.mem-factor |  | any | unlisted
nfs.export-dirs | nfs/server:nfs3.export-dirs | on | bool | unlisted
nfs.export-volumes | nfs/server:nfs3.export-volumes | on | bool | unlisted
nfs.addr-namelookup | nfs/server:rpc-auth.addr.namelookup | off | bool | unlisted
nfs.dynamic-volumes | nfs/server:nfs.dynamic-volumes | off | bool | unlisted
nfs.register-with-portmap | nfs/server:rpc.register-with-portmap | on | bool | unlisted
nfs.outstanding-rpc-limit | nfs/server:rpc.outstanding-rpc-limit |  | any | unlisted
nfs.port | nfs/server:nfs.port |  | any | unlisted
nfs.rpc-auth-unix | nfs/server:!rpc-auth.auth-unix.* | on | bool | unlisted
nfs.rpc-auth-null | nfs/server:!rpc-auth.auth-null.* | on | bool | unlisted
nfs.rpc-auth-allow | nfs/server:!rpc-auth.addr.*.allow | all | any | unlisted
nfs.rpc-auth-reject | nfs/server:!rpc-auth.addr.*.reject | none | any | unlisted
nfs.ports-insecure | nfs/server:!rpc-auth.ports.*.insecure | off | bool | unlisted
nfs.transport-type | nfs/server:!nfs.transport-type |  | any | unlisted
nfs.trusted-sync | nfs/server:!nfs3.*.trusted-sync | off | bool | unlisted
nfs.trusted-write | nfs/server:!nfs3.*.trusted-write | off | bool | unlisted
nfs.volume-access | nfs/server:!nfs3.*.volume-access | read-write | any | unlisted
nfs.export-dir | nfs/server:!nfs3.*.export-dir |  | any | unlisted
nfs.disable | nfs/server:!nfs-disable |  | any
nfs.nlm | nfs/server:nfs.nlm | on | bool | unlisted
nfs.acl | nfs/server:nfs.acl | on | bool | unlisted
nfs.mount-udp | nfs/server:nfs.mount-udp | off | bool | unlisted
nfs.mount-rmtab | nfs/server:nfs.mount-rmtab |  | any | unlisted
nfs.rpc-statd | nfs/server:nfs.rpc-statd |  | any | unlisted hidden
nfs.log-level | nfs/server:nfs.log-level |  | any | unlisted hidden
nfs.server-aux-gids | nfs/server:nfs.server-aux-gids |  | any | unlisted hidden
nfs.drc | nfs/server:nfs.drc | off | bool | unlisted
nfs.drc-size | nfs/server:nfs.drc-size | 0x20000 | any | unlisted
nfs.read-size | nfs/server:nfs3.read-size |  | any | unlisted
nfs.write-size | nfs/server:nfs3.write-size |  | any | unlisted
nfs.readdir-size | nfs/server:nfs3.readdir-size |  | any | unlisted
nfs.rdirplus | nfs/server:nfs.rdirplus | on | bool | unlisted
nfs.event-threads | nfs/server:nfs.event-threads |  | any | unlisted hidden
nfs.exports-auth-enable | nfs/server:nfs.exports-auth-enable |  | any | unlisted
nfs.auth-refresh-interval-sec | nfs/server:nfs.auth-refresh-interval-sec |  | any | unlisted
nfs.auth-cache-ttl-sec | nfs/server:nfs.auth-cache-ttl-sec |  | any | unlisted
`;
