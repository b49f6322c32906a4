/** Volume options: cluster.*, disperse.* and diagnostics.*. See volume-option-table.ts. */
export const clusterRows = `
cluster.lookup-unhashed | cluster/distribute | on | one-of auto,yes,no,enable,disable,1,0,on,off
cluster.lookup-optimize | cluster/distribute | on | bool
cluster.min-free-disk | cluster/distribute | 10% | percent-or-size
cluster.min-free-inodes | cluster/distribute | 5% | percent 0..100
cluster.rebalance-stats | cluster/distribute | off | bool
cluster.subvols-per-directory | cluster/distribute:directory-layout-spread |  | int 1..
cluster.readdir-optimize | cluster/distribute | off | bool
cluster.rsync-hash-regex | cluster/distribute |  | string | hidden
cluster.extra-hash-regex | cluster/distribute |  | string | hidden
cluster.dht-xattr-name | cluster/distribute:xattr-name | trusted.glusterfs.dht | string | hidden
cluster.randomize-hash-range-by-gfid | cluster/distribute | off | bool | hidden
cluster.rebal-throttle | cluster/distribute | normal | string
cluster.lock-migration | cluster/distribute | off | bool | always
cluster.force-migration | cluster/distribute | off | bool | always
cluster.nufa | cluster/distribute:!nufa |  | bool | unlisted hidden
cluster.local-volume-name | cluster/nufa |  | xlator | hidden
cluster.weighted-rebalance | cluster/distribute | on | bool
cluster.switch | cluster/distribute:!switch |  | bool | unlisted hidden
cluster.switch-pattern | cluster/switch:pattern.switch.case |  | any | hidden
cluster.entry-change-log | cluster/replicate | on | bool
cluster.read-subvolume | cluster/replicate |  | xlator
cluster.read-subvolume-index | cluster/replicate | -1 | int
cluster.read-hash-mode | cluster/replicate | 1 | int 0..5
cluster.background-self-heal-count | cluster/replicate | 8 | int 0..
cluster.metadata-self-heal | cluster/replicate | off | bool
cluster.data-self-heal | cluster/replicate | off | bool-or open
cluster.entry-self-heal | cluster/replicate | off | bool
cluster.self-heal-daemon | cluster/replicate:!self-heal-daemon | on | bool
cluster.heal-timeout | cluster/replicate:!heal-timeout | 600 | int 5..2147483647
cluster.strict-readdir | cluster/replicate |  | any | unlisted hidden
cluster.self-heal-window-size | cluster/replicate:data-self-heal-window-size | 8 | int 1..1024
cluster.data-change-log | cluster/replicate | on | bool
cluster.metadata-change-log | cluster/replicate | on | bool
cluster.data-self-heal-algorithm | cluster/replicate |  | one-of diff,full
cluster.eager-lock | cluster/replicate | on | bool
disperse.eager-lock | cluster/disperse | on | bool
disperse.other-eager-lock | cluster/disperse | on | bool
disperse.eager-lock-timeout | cluster/disperse | 1 | int 1..60
disperse.other-eager-lock-timeout | cluster/disperse | 1 | int 1..60
cluster.quorum-type | cluster/replicate | none | one-of none,auto,fixed
cluster.quorum-count | cluster/replicate |  | int 1..2147483647
cluster.choose-local | cluster/replicate | true | bool
cluster.self-heal-readdir-size | cluster/replicate | 1KB | size 1KB..128KB
cluster.post-op-delay-secs | cluster/replicate | 1 | int 0..2147483647 | hidden
cluster.readdir-failover | cluster/replicate |  | any | unlisted
cluster.ensure-durability | cluster/replicate | on | bool | hidden
cluster.consistent-metadata | cluster/replicate | no | bool
cluster.heal-wait-queue-length | cluster/replicate | 128 | int 0..
cluster.favorite-child-policy | cluster/replicate | none | one-of none,size,ctime,mtime,majority
cluster.full-lock | cluster/replicate | yes | bool | hidden
cluster.optimistic-change-log | cluster/replicate | on | bool | hidden
diagnostics.latency-measurement | debug/io-stats | off | bool | always
diagnostics.dump-fd-stats | debug/io-stats | off | bool
diagnostics.count-fop-hits | debug/io-stats | off | bool | always hidden
diagnostics.brick-log-level | debug/io-stats:!log-level | INFO | log-level | always
diagnostics.client-log-level | debug/io-stats:!log-level | INFO | log-level | always
diagnostics.brick-sys-log-level | debug/io-stats:!sys-log-level | CRITICAL | system-log-level
diagnostics.client-sys-log-level | debug/io-stats:!sys-log-level | CRITICAL | system-log-level
diagnostics.brick-logger | debug/io-stats:!logger |  | one-of gluster-log,syslog
diagnostics.client-logger | debug/io-stats:!logger |  | one-of gluster-log,syslog
diagnostics.brick-log-format | debug/io-stats:!log-format |  | one-of no-msg-id,with-msg-id
diagnostics.client-log-format | debug/io-stats:!log-format |  | one-of no-msg-id,with-msg-id
diagnostics.brick-log-buf-size | debug/io-stats:!log-buf-size | 5 | int 0..20
diagnostics.client-log-buf-size | debug/io-stats:!log-buf-size | 5 | int 0..20
diagnostics.brick-log-flush-timeout | debug/io-stats:!log-flush-timeout | 120 | time 30..300
diagnostics.client-log-flush-timeout | debug/io-stats:!log-flush-timeout | 120 | time 30..300
diagnostics.stats-dump-interval | debug/io-stats:ios-dump-interval | 0 | int 0..3600
diagnostics.fop-sample-interval | debug/io-stats:ios-sample-interval | 0 | int 0..65535
diagnostics.stats-dump-format|debug/io-stats:ios-dump-format|json|one-of text,json,dict,samples
diagnostics.fop-sample-buf-size | debug/io-stats:ios-sample-buf-size | 65535 | int 1024..1048576
diagnostics.stats-dnscache-ttl-sec | debug/io-stats:ios-dnscache-ttl-sec | 86400 | int 1..259200
`;
