#!/usr/bin/env python3
"""Random operations on a tree of files, each compared with a model of what must be there.

    model-load.py DIRECTORY SECONDS SEED

One process, its own directory. Data: writes, appends, truncates, holes, mapped reads, several open
files, files that lost their names. Names: create, link, symlink, rename over, unlink, mkdir, rmdir,
listings. At the end the whole tree is read. Prints "N operations", or the first difference and
fails.
"""
import ctypes
import errno
import mmap
import os
import random
import stat
import sys
import time

directory, seconds, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
libc = ctypes.CDLL(None, use_errno=True)
SIZE_MAX = 700_000
os.makedirs(f"{directory}/{seed}")
os.chdir(f"{directory}/{seed}")


class File:
    def __init__(self):
        self.data = bytearray()
        self.mode = 0o644
        self.xattrs = {}


class Differs(Exception):
    pass


root = {}
handles = []
count = 0


def expect(what, found, wanted):
    if found != wanted:
        raise Differs(f"{what}: {str(found)[:100]} instead of {str(wanted)[:100]}")


def directories(at=root, path="."):
    yield path, at
    for name, node in at.items():
        if isinstance(node, dict):
            yield from directories(node, f"{path}/{name}")


def files(kind=File):
    return [(f"{path}/{name}", node, at, name) for path, at in directories()
            for name, node in at.items() if isinstance(node, kind)]


def any_file():
    found = files()
    return rng.choice(found) if found else None


def fresh(at):
    name = f"n{rng.randrange(40)}" + "x" * rng.choice([0, 0, 0, 50, 200])
    return name


def put(node, offset, data):
    if len(node.data) < offset:
        node.data.extend(bytes(offset - len(node.data)))
    node.data[offset:offset + len(data)] = data


def outcome(call):
    try:
        call()
        return 0
    except OSError as error:
        return error.errno


def create():
    path, at = rng.choice(list(directories()))
    name = fresh(at)
    taken = name in at
    found = outcome(lambda: os.close(os.open(f"{path}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)))
    expect(f"create {path}/{name}", found, errno.EEXIST if taken else 0)
    if not taken:
        at[name] = File()


def write():
    found = any_file()
    if found is None:
        return
    path, node, _, _ = found
    offset = rng.randrange(SIZE_MAX // 2)
    data = rng.randbytes(rng.choice([1, 100, 4096, 30_000, 200_000]))
    fd = os.open(path, os.O_WRONLY | (os.O_APPEND if rng.random() < 0.2 else 0))
    if fcntl_append(fd):
        offset = len(node.data)
    if offset + len(data) <= SIZE_MAX:
        expect(f"write {path}", os.pwrite(fd, data, offset), len(data))
        put(node, offset, data)
    if rng.random() < 0.2:
        os.fsync(fd)
    os.close(fd)


def fcntl_append(fd):
    import fcntl
    return fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND != 0


def read():
    found = any_file()
    if found is None:
        return
    path, node, _, _ = found
    fd = os.open(path, os.O_RDONLY)
    offset, length = rng.randrange(SIZE_MAX), rng.choice([1, 4096, 100_000])
    expect(f"read {path} at {offset}", os.pread(fd, length, offset), bytes(node.data[offset:offset + length]))
    expect(f"size {path}", os.fstat(fd).st_size, len(node.data))
    if node.data and rng.random() < 0.3:
        with mmap.mmap(fd, len(node.data), prot=mmap.PROT_READ) as mapped:
            at = rng.randrange(len(node.data))
            expect(f"mapped {path}", mapped[at:at + 5000], bytes(node.data[at:at + 5000]))
    os.close(fd)


def truncate():
    found = any_file()
    if found is None:
        return
    path, node, _, _ = found
    size = rng.randrange(SIZE_MAX // 2)
    os.truncate(path, size)
    del node.data[size:]
    put(node, size, b"")
    node.data.extend(bytes(size - len(node.data)))


def punch():
    found = any_file()
    if found is None or not found[1].data:
        return
    path, node, _, _ = found
    offset = rng.randrange(len(node.data))
    length = rng.randrange(1, 60_000)
    fd = os.open(path, os.O_RDWR)
    if libc.fallocate64(fd, 3, ctypes.c_int64(offset), ctypes.c_int64(length)) != 0:
        raise Differs(f"punch {path}: {errno.errorcode[ctypes.get_errno()]}")
    os.close(fd)
    end = min(offset + length, len(node.data))
    node.data[offset:end] = bytes(end - offset)


def link():
    found = any_file()
    if found is None:
        return
    path, at = rng.choice(list(directories()))
    name = fresh(at)
    taken = name in at
    expect("link", outcome(lambda: os.link(found[0], f"{path}/{name}")), errno.EEXIST if taken else 0)
    if not taken:
        at[name] = found[1]


def unlink():
    found = any_file()
    if found is None:
        return
    path, node, at, name = found
    if rng.random() < 0.4 and len(handles) < 8:
        handles.append((os.open(path, os.O_RDWR), node))
    os.unlink(path)
    del at[name]


def use_handle():
    if not handles:
        return
    fd, node = handles.pop(rng.randrange(len(handles)))
    data = rng.randbytes(5000)
    if len(node.data) < SIZE_MAX:
        os.pwrite(fd, data, len(node.data))
        put(node, len(node.data), data)
    expect("open file", os.pread(fd, SIZE_MAX * 2, 0), bytes(node.data))
    os.close(fd)


def make_directory():
    path, at = rng.choice(list(directories()))
    name = fresh(at)
    if path.count("/") > 6:
        return
    taken = name in at
    expect("mkdir", outcome(lambda: os.mkdir(f"{path}/{name}")), errno.EEXIST if taken else 0)
    if not taken:
        at[name] = {}


def remove_directory():
    found = [(f"{path}/{name}", node, at, name) for path, at in directories()
             for name, node in at.items() if isinstance(node, dict)]
    if not found:
        return
    path, node, at, name = rng.choice(found)
    expect(f"rmdir {path}", outcome(lambda: os.rmdir(path)), errno.ENOTEMPTY if node else 0)
    if not node:
        del at[name]


def rename():
    found = files((File, dict))
    if not found:
        return
    path, node, at, name = rng.choice(found)
    to_path, to_at = rng.choice(list(directories()))
    to_name = fresh(to_at)
    target = to_at.get(to_name)
    inside = isinstance(node, dict) and (to_path == path or to_path.startswith(path + "/"))
    result = outcome(lambda: os.rename(path, f"{to_path}/{to_name}"))
    if inside:
        if result == 0:
            raise Differs(f"rename {path} into itself")
        return
    wanted = 0
    if target is not None and target is not node:
        if isinstance(node, dict) and not isinstance(target, dict):
            wanted = errno.ENOTDIR
        elif isinstance(target, dict) and not isinstance(node, dict):
            wanted = errno.EISDIR
        elif isinstance(target, dict) and target:
            wanted = errno.ENOTEMPTY
    if isinstance(target, dict) and (path.startswith(f"{to_path}/{to_name}/")):
        wanted = errno.ENOTEMPTY
    if wanted == errno.ENOTEMPTY and result == errno.EEXIST:
        result = wanted  # POSIX allows either; XFS gives this one.
    expect(f"rename {path} to {to_path}/{to_name}", result, wanted)
    if wanted == 0 and target is not node:
        del at[name]
        to_at[to_name] = node


def attributes():
    found = any_file()
    if found is None:
        return
    path, node, _, _ = found
    node.mode = rng.choice([0o600, 0o644, 0o755, 0o4711, 0o000])
    os.chmod(path, node.mode)
    expect(f"mode {path}", stat.S_IMODE(os.stat(path).st_mode), node.mode)
    key, value = f"user.k{rng.randrange(3)}", rng.randbytes(rng.randrange(200))
    os.setxattr(path, key, value)
    node.xattrs[key] = value
    for known, wanted in node.xattrs.items():
        expect(f"{known} of {path}", os.getxattr(path, known), wanted)


def listing():
    path, at = rng.choice(list(directories()))
    expect(f"names in {path}", sorted(os.listdir(path)), sorted(at))


def all_of_it():
    for path, at in directories():
        expect(f"names in {path}", sorted(os.listdir(path)), sorted(at))
    nodes = files()
    for path, node, _, _ in nodes:
        with open(path, "rb", buffering=0) as file:
            expect(f"content of {path}", file.read(), bytes(node.data))
        expect(f"links of {path}", os.stat(path).st_nlink, sum(other is node for _, other, _, _ in nodes))


OPERATIONS = [create] * 6 + [write] * 12 + [read] * 8 + [truncate] * 2 + [punch] + [link] * 2 + [unlink] * 4 + [
    use_handle] * 3 + [make_directory] * 3 + [remove_directory] * 2 + [rename] * 6 + [attributes] * 3 + [listing] * 2
until = time.monotonic() + seconds
try:
    while time.monotonic() < until:
        rng.choice(OPERATIONS)()
        count += 1
    all_of_it()
except (Differs, OSError) as error:
    print(f"seed {seed}, operation {count}: {error!r}")
    sys.exit(1)
print(f"{count} operations")
