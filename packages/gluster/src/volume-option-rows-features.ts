/** Volume options: features, storage, changelog, late comers. See volume-option-table.ts. */
export const featuresRows = `
features.read-only | features/read-only | off | bool
features.worm | features/worm | off | switch | always
features.worm-file-level | features/worm | off | switch | always
features.worm-files-deletable | features/worm | on | switch | always
features.default-retention-period | features/worm | 120 | time
features.retention-mode | features/worm | relax | string
features.auto-commit-period | features/worm | 180 | time
storage.linux-aio | storage/posix | off | bool
storage.linux-io_uring | storage/posix | off | bool
storage.batch-fsync-mode | storage/posix | reverse-fsync | string
storage.batch-fsync-delay-usec | storage/posix | 0 | int
storage.xattr-user-namespace-mode | storage/posix | none | any | unlisted
storage.owner-uid | storage/posix:brick-uid | -1 | int -1..
storage.owner-gid | storage/posix:brick-gid | -1 | int -1..
storage.node-uuid-pathinfo | storage/posix | off | bool
storage.health-check-interval | storage/posix | 30 | int 0..
storage.build-pgfid | storage/posix:update-link-count-parent | off | bool
storage.gfid2path | storage/posix | on | bool | hidden
storage.gfid2path-separator | storage/posix | : | string
storage.reserve | storage/posix | 1 | percent-or-size 0..
storage.health-check-timeout | storage/posix | 20 | int 0.. | hidden
storage.fips-mode-rchecksum | storage/posix | off | bool | hidden
storage.force-create-mode | storage/posix | 0000 | int 0..511
storage.force-directory-mode | storage/posix | 0000 | int 0..511
storage.create-mask | storage/posix | 0777 | int 0..511
storage.create-directory-mask | storage/posix | 0777 | int 0..511
storage.max-hardlinks | storage/posix | 100 | int 0..
features.ctime | storage/posix | on | switch
config.memory-accounting | mgmt/glusterd:!config |  | bool | unlisted
config.transport | mgmt/glusterd:!config |  | any | unlisted
config.gfproxyd | configuration | off | bool | always
cluster.server-quorum-type | mgmt/glusterd | off | one-of none,server | always
cluster.server-quorum-ratio | mgmt/glusterd | 51 | percent 0..100 | always cluster
changelog.changelog | features/changelog | off | bool | hidden
changelog.changelog-dir|features/changelog|{{ brick.path }}/.glusterfs/changelogs|path|hidden
changelog.encoding | features/changelog | ascii | one-of binary,ascii | hidden
changelog.rollover-time | features/changelog | 15 | time | hidden
changelog.fsync-interval | features/changelog | 5 | time | hidden
changelog.changelog-barrier-timeout | features/changelog | 120 | time | always
changelog.capture-del-path | features/changelog | off | bool | hidden
features.barrier | features/barrier | disable | bool | always hidden
features.barrier-timeout | features/barrier | 120 | time | always
cluster.op-version | mgmt/glusterd |  | any | unlisted cluster
cluster.max-op-version | mgmt/glusterd |  | any | unlisted cluster
features.trash | features/trash | off | bool
features.trash-dir | features/trash | .trashcan | string
features.trash-eliminate-path | features/trash |  | string
features.trash-max-filesize | features/trash | 5MB | size
features.trash-internal-op | features/trash | off | bool
cluster.enable-shared-storage | mgmt/glusterd | disable | bool | always cluster
locks.trace | features/locks | off | bool
locks.mandatory-locking | features/locks | off | string
cluster.disperse-self-heal-daemon | cluster/disperse:self-heal-daemon | enable | bool | hidden
cluster.quorum-reads | cluster/replicate | no | bool
client.bind-insecure | protocol/client:client-bind-insecure |  | bool | hidden
features.timeout | features/quiesce | 45 | time
features.failover-hosts | features/quiesce |  | address-list
features.shard | features/shard:!shard | off | bool | always
features.shard-block-size | features/shard | 64MB | size 4MB..4TB
features.shard-lru-limit | features/shard | 16384 | int 20..2147483647 | hidden
features.shard-deletion-rate | features/shard | 100 | int 100..2147483647
features.scrub-throttle | features/bit-rot | lazy | string | always hidden
features.scrub-freq | features/bit-rot:scrub-frequency | biweekly | any | always hidden
features.scrub | features/bit-rot:scrubber | false | bool | hidden
features.expiry-time | features/bit-rot | 120 | int | always hidden
features.signer-threads | features/bit-rot | 4 | int | always hidden
features.cache-invalidation | features/upcall | off | bool | always
features.cache-invalidation-timeout | features/upcall | 60 | int
ganesha.enable | mgmt/ganesha:ganesha.enable | off | bool | always
features.leases | features/leases | off | bool | always
features.lease-lock-recall-timeout | features/leases | 60 | int
disperse.background-heals | cluster/disperse | 8 | int 0..256
disperse.heal-wait-qlength | cluster/disperse | 128 | int 0..65536
cluster.heal-timeout | cluster/disperse:!heal-timeout | 600 | int 60..2147483647 | hidden
dht.force-readdirp | cluster/distribute:use-readdirp | on | bool
disperse.read-policy | cluster/disperse | gfid-hash | one-of round-robin,gfid-hash
cluster.shd-max-threads | cluster/replicate | 1 | int 1..64
cluster.shd-wait-qlength | cluster/replicate | 1024 | int 1..655536
cluster.locking-scheme | cluster/replicate | full | one-of full,granular
cluster.granular-entry-heal | cluster/replicate | no | bool
features.locks-revocation-secs | features/locks:revocation-secs | 0 | int 0..2147483647
features.locks-revocation-clear-all | features/locks:revocation-clear-all | false | bool
features.locks-revocation-max-blocked|features/locks:revocation-max-blocked|0|int 0..2147483647
features.locks-monkey-unlocking | features/locks:monkey-unlocking | false | bool | hidden
features.locks-notify-contention | features/locks:notify-contention | yes | bool
features.locks-notify-contention-delay | features/locks:notify-contention-delay | 5 | int 0..60
disperse.shd-max-threads | cluster/disperse | 1 | int 1..64
disperse.shd-wait-qlength | cluster/disperse | 1024 | int 1..65536
disperse.cpu-extensions | cluster/disperse | auto | one-of none,auto,x64,sse,avx
disperse.self-heal-window-size | cluster/disperse | 32 | int 1..1024
cluster.use-compound-fops | cluster/replicate | off | bool | always
performance.parallel-readdir | performance/readdir-ahead | off | switch | always
performance.rda-request-size | performance/readdir-ahead | 131072 | size 4KB..128KB | always
performance.rda-low-wmark | performance/readdir-ahead | 4096 | size 0..10MB | hidden
performance.rda-high-wmark | performance/readdir-ahead | 128KB | size 0..100MB | hidden
performance.rda-cache-limit | performance/readdir-ahead | 10MB | size 0.. | always
performance.nl-cache-positive-entry | performance/nl-cache | false | bool
performance.nl-cache-limit | performance/nl-cache | 10MB | size | always
performance.nl-cache-timeout | performance/nl-cache | 60 | time
cluster.brick-multiplex | mgmt/glusterd | disable | bool | always cluster
cluster.brick-graceful-cleanup | mgmt/glusterd | disable | bool | always hidden cluster
glusterd.vol_count_per_thread | mgmt/glusterd | 100 | int 0.. | always hidden cluster
cluster.max-bricks-per-process | mgmt/glusterd | 250 | int 0.. | always cluster
disperse.optimistic-change-log | cluster/disperse | on | bool | hidden
disperse.stripe-cache | cluster/disperse | 4 | int 0..10 | hidden
cluster.halo-enabled | cluster/replicate | False | bool
cluster.halo-shd-max-latency | cluster/replicate | 99999 | int 1..99999
cluster.halo-nfsd-max-latency | cluster/replicate | 5 | int 1..99999
cluster.halo-max-latency | cluster/replicate | 5 | int 1..99999
cluster.halo-max-replicas | cluster/replicate | 99999 | int 1..99999
cluster.halo-min-replicas | cluster/replicate | 2 | int 1..99999
features.selinux | features/selinux | on | bool | always hidden
cluster.localtime-logging | mgmt/glusterd |  | any | unlisted cluster
cluster.daemon-log-level | mgmt/glusterd | INFO | any | always hidden cluster
debug.delay-gen | debug/delay-gen:!debug | off | bool | always hidden
delay-gen.delay-percentage | debug/delay-gen | 10% | percent 0..100 | hidden
delay-gen.delay-duration | debug/delay-gen | 100000 | int | hidden
delay-gen.enable | debug/delay-gen | "" | string | hidden
disperse.parallel-writes | cluster/disperse | on | bool | hidden
disperse.quorum-count | cluster/disperse | 0 | int | hidden
features.sdfs | features/sdfs:!features | off | bool | always hidden
features.cloudsync | features/cloudsync | off | bool | always
features.ctime | features/utime:!utime | on | switch | always
ctime.noatime | features/utime | on | switch | always
features.cloudsync-storetype | features/cloudsync |  | string
features.s3plugin-seckey | features/cloudsync |  | any | unlisted
features.s3plugin-keyid | features/cloudsync |  | any | unlisted
features.s3plugin-bucketid | features/cloudsync |  | any | unlisted
features.s3plugin-hostname | features/cloudsync |  | any | unlisted
features.enforce-mandatory-lock | features/locks | off | switch | always hidden
config.global-threading | debug/io-stats | off | bool | always
config.client-threads | debug/io-stats:!threads | 16 | int 1..128 | always
config.brick-threads | debug/io-stats:!threads | 16 | int 1..128 | always
features.cloudsync-remote-read | features/cloudsync | off | bool | always
features.cloudsync-store-id | features/cloudsync |  | string
features.cloudsync-product-id | features/cloudsync |  | string
features.acl | features/access-control:!features | enable | bool | always hidden
cluster.use-anonymous-inode | cluster/replicate | yes | bool | always
rebalance.ensure-durability | cluster/distribute | on | bool | hidden
`;
