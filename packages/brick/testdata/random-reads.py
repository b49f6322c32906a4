#!/usr/bin/env python3
"""Writes a file, drops all caches, and reads it at random from several processes.

    random-reads.py DIRECTORY MEGABYTES PROCESSES
"""
import os
import random
import sys

directory, megabytes, processes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
READS = 500
path = f"{directory}/random"
data = random.Random(1).randbytes(megabytes << 20)
with open(path, "wb") as file:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())
os.sync()
with open("/proc/sys/vm/drop_caches", "w") as drop:
    drop.write("3")


def read(number):
    rng = random.Random(number)
    fd = os.open(path, os.O_RDONLY)
    wrong = 0
    for _ in range(READS):
        offset, length = rng.randrange(len(data)), rng.choice([1, 100, 4096, 70000, 131072])
        wrong += os.pread(fd, length, offset) != data[offset:offset + length]
    return wrong


children = []
for number in range(processes):
    child = os.fork()
    if child == 0:
        os._exit(min(read(number), 255))
    children.append(child)
wrong = sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
print(f"{processes} readers: {READS * processes} reads, {wrong} wrong")
