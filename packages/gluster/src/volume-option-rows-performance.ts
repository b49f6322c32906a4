/** Volume options: performance.*. See volume-option-table.ts. */
export const performanceRows = `
performance.cache-max-file-size | performance/io-cache:max-file-size | 0 | size
performance.cache-min-file-size | performance/io-cache:min-file-size | 0 | size
performance.cache-refresh-timeout | performance/io-cache:cache-timeout | 1 | int 0..60
performance.cache-priority | performance/io-cache:priority | "" | priority-list
performance.io-cache-size | performance/io-cache:cache-size | 32MB | size 4MB..
performance.cache-size | performance/io-cache | 32MB | size 4MB..
performance.io-thread-count | performance/io-threads:thread-count | 16 | int 1..64
performance.high-prio-threads | performance/io-threads | 16 | int 1..64
performance.normal-prio-threads | performance/io-threads | 16 | int 1..64
performance.low-prio-threads | performance/io-threads | 16 | int 1..64
performance.least-prio-threads | performance/io-threads | 1 | int 1..64
performance.enable-least-priority | performance/io-threads | on | bool
performance.iot-watchdog-secs | performance/io-threads:watchdog-secs |  | int
performance.iot-cleanup-disconnected-reqs|performance/io-threads:cleanup-disconnected-reqs|off|bool
performance.iot-pass-through | performance/io-threads:pass-through | false | bool
performance.io-cache-pass-through | performance/io-cache:pass-through | false | bool
performance.quick-read-cache-size | performance/quick-read:cache-size | 128MB | size 0..
performance.cache-size | performance/quick-read | 128MB | size 0.. | hidden
performance.quick-read-cache-timeout | performance/quick-read:cache-timeout | 1 | int
performance.qr-cache-timeout | performance/quick-read:cache-timeout | 1 | int
performance.quick-read-cache-invalidation | performance/quick-read | false | bool
performance.ctime-invalidation | performance/quick-read | false | bool
performance.flush-behind | performance/write-behind | on | bool
performance.nfs.flush-behind | performance/write-behind:flush-behind | on | bool
performance.write-behind-window-size | performance/write-behind:cache-size | 1MB | size 512KB..1GB
performance.resync-failed-syncs-after-fsync | performance/write-behind | off | bool
performance.nfs.write-behind-window-size|performance/write-behind:cache-size|1MB|size 512KB..1GB
performance.strict-o-direct | performance/write-behind:strict-O_DIRECT | off | bool
performance.nfs.strict-o-direct | performance/write-behind:strict-O_DIRECT | off | bool
performance.strict-write-ordering | performance/write-behind | off | bool
performance.nfs.strict-write-ordering | performance/write-behind:strict-write-ordering | off | bool
performance.write-behind-trickling-writes | performance/write-behind:trickling-writes | on | bool
performance.aggregate-size | performance/write-behind | 128KB | size
performance.nfs.write-behind-trickling-writes|performance/write-behind:trickling-writes|on|bool
performance.lazy-open | performance/open-behind | yes | bool
performance.read-after-open | performance/open-behind | yes | bool
performance.open-behind-pass-through | performance/open-behind:pass-through | false | bool
performance.read-ahead-page-count | performance/read-ahead:page-count | 4 | int 1..16
performance.read-ahead-pass-through | performance/read-ahead:pass-through | false | bool
performance.readdir-ahead-pass-through | performance/readdir-ahead:pass-through | false | bool
performance.md-cache-pass-through | performance/md-cache:pass-through | false | bool
performance.write-behind-pass-through | performance/write-behind:pass-through | false | bool
performance.md-cache-timeout | performance/md-cache | 1 | int 0..600
performance.cache-swift-metadata | performance/md-cache | false | bool
performance.cache-samba-metadata | performance/md-cache | false | bool
performance.cache-capability-xattrs | performance/md-cache | true | bool
performance.cache-ima-xattrs | performance/md-cache | true | bool
performance.md-cache-statfs | performance/md-cache | off | bool
performance.xattr-cache-list | performance/md-cache | "" | string
performance.nl-cache-pass-through | performance/nl-cache:pass-through | false | bool
`;
