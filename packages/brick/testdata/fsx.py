#!/usr/bin/env python3
"""Random changes of one file, each compared with a model of it in memory.

    fsx.py DIRECTORY SECONDS SEED

Reads and writes of any place and length, appends, truncates, reads and writes through maps,
allocation, holes, copies within the file, syncs, new descriptors; an odd seed goes around the page
cache in aligned pieces instead of mapping. FALLOC_FL_ZERO_RANGE is left out: GlusterFS's FUSE client
says that it is done, and only allocates. What a volume does not have
(EOPNOTSUPP) must have changed nothing. A size that is wrong
for a moment only, as the client's cache of attributes has it after a write that ends late, is counted.
Prints "N operations", or the first difference with the
operations before it, and fails.
"""
import collections
import ctypes
import errno
import mmap
import os
import random
import sys
import time

directory, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
LIMIT = 1_500_000
PIECE = 120_000
KEEP, PUNCH = 1, 3
STALE_SECONDS = 2
DIRECT = seed % 2 == 1
path = f"{directory}/fsx-{seed}"
model = bytearray()
recent = collections.deque(maxlen=12)
fd = -1


class Differs(Exception):
    pass


def reopen():
    global fd
    if fd >= 0:
        os.close(fd)
    flags = rng.choice([0, 0, 0, os.O_SYNC] + ([os.O_DIRECT] * 3 if DIRECT else []))
    fd = os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o644)
    return flags


def is_direct():
    return opened_with & os.O_DIRECT


def span(beyond):
    """Offset and length; up to some way `beyond` the end."""
    offset = rng.randrange(min(len(model) + beyond, LIMIT - PIECE) or 1)
    length = rng.choice((1, 7, 512, 4096, rng.randrange(1, PIECE), rng.randrange(1, PIECE)))
    if is_direct():
        offset, length = offset // 4096 * 4096, max(length // 4096 * 4096, 4096)
    return offset, length


def grow(size):
    if len(model) < size:
        model.extend(bytes(size - len(model)))


def aligned(data):
    buffer = mmap.mmap(-1, len(data))
    buffer.write(data)
    return buffer


def write():
    offset, length = span(PIECE)
    data = rng.randbytes(length)
    count = os.pwritev(fd, [aligned(data)], offset) if is_direct() else os.pwrite(fd, data, offset)
    if count != length:
        raise Differs(f"write gave {count} of {length}")
    grow(offset + length)
    model[offset:offset + length] = data
    return offset, length


def read():
    offset, length = span(1000)
    if is_direct():
        buffer = mmap.mmap(-1, length)
        count = os.preadv(fd, [buffer], offset)
        data = buffer[:count]
    else:
        data = os.pread(fd, length, offset)
    expect(data, offset, length)
    return offset, length


def expect(data, offset, length):
    wanted = bytes(model[offset:offset + length])
    if data != wanted:
        at = next((i for i, (a, b) in enumerate(zip(data, wanted)) if a != b), min(len(data), len(wanted)))
        raise Differs(f"{len(data)} of {len(wanted)} bytes at {offset}; the first other one is {offset + at}: "
                      f"{data[at:at + 8].hex()}, not {wanted[at:at + 8].hex()}")


def truncate():
    size = rng.randrange(LIMIT) if rng.random() < 0.4 else rng.randrange(len(model) + 1)
    os.ftruncate(fd, size) if rng.random() < 0.5 else os.truncate(path, size)
    del model[size:]
    grow(size)
    return (size,)


def map_read():
    if not model or DIRECT:
        return None
    offset, length = span(0)
    with mmap.mmap(fd, len(model), prot=mmap.PROT_READ) as area:
        expect(area[offset:offset + length], offset, length)
    return offset, length


def map_write():
    if not model or DIRECT:
        return None
    offset, length = span(0)
    length = min(length, len(model) - offset)
    data = rng.randbytes(length)
    with mmap.mmap(fd, len(model)) as area:
        area[offset:offset + length] = data
        if rng.random() < 0.5:
            area.flush()
    model[offset:offset + length] = data
    return offset, length


def allocate(mode):
    def perform():
        offset, length = span(PIECE)
        if libc.fallocate64(fd, mode, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
            number = ctypes.get_errno()
            if number != errno.EOPNOTSUPP:
                raise OSError(number, "fallocate")
            return mode, offset, length, "not supported"
        if mode == 0:
            grow(offset + length)
        if mode == PUNCH:
            end = min(offset + length, len(model))
            if end > offset:
                model[offset:end] = bytes(end - offset)
        return mode, offset, length
    return perform


def copy():
    if len(model) < 20_000 or is_direct():
        return None
    length = rng.randrange(1, min(PIECE, len(model) // 2))
    source = rng.randrange(len(model) // 2 - length + 1) if len(model) // 2 > length else 0
    target = rng.randrange(source + length, len(model))
    count = os.copy_file_range(fd, fd, length, source, target)
    data = bytes(model[source:source + count])
    grow(target + count)
    model[target:target + count] = data
    return source, target, length, count


def sync():
    os.fsync(fd) if rng.random() < 0.5 else os.fdatasync(fd)
    return ()


def new_descriptor():
    global opened_with
    opened_with = reopen()
    return (opened_with,)


def whole():
    with open(path, "rb") as file:
        expect(file.read(), 0, LIMIT * 2)
    return ()


OPERATIONS = ([write] * 8 + [read] * 8 + [truncate] * 2 + [map_read] * 3 + [map_write] * 3 +
              [allocate(0), allocate(KEEP), allocate(PUNCH), allocate(PUNCH)] +
              [copy, copy, sync, new_descriptor, whole])
opened_with = reopen()
until = time.monotonic() + seconds
count = stale = 0
try:
    while time.monotonic() < until:
        operation = rng.choice(OPERATIONS)
        before = len(model)
        done = operation()
        if done is None:
            continue
        recent.append(f"{operation.__name__} {done} size {before} -> {len(model)} flags {opened_with:o}")
        count += 1
        size = os.fstat(fd).st_size
        if size != len(model):
            # Told by a cache of the client, or by the volume?
            time.sleep(STALE_SECONDS)
            later = os.fstat(fd).st_size
            if later != len(model):
                raise Differs(f"size {size}, then {later}, not {len(model)}")
            stale += 1
    whole()
except (Differs, OSError) as error:
    print(f"seed {seed}, operation {count}, {operation.__name__}: {error}")
    print("\n".join(recent))
    sys.exit(1)
os.close(fd)
os.unlink(path)
print(f"{count} operations" + (f", {stale} stale sizes" if stale else ""))
