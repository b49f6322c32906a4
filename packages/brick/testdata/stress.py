#!/usr/bin/env python3
"""Many processes change one tree of files, all of them the same names; nothing may be torn.

    stress.py DIRECTORY SECONDS SEED PROCESSES

Files are written whole under a new name, and tell in their bytes and in an attribute who made them:
so each that is found, by whatever name, has to be one that was made. What is removed, renamed,
linked and listed is anybody's, and the usual errors of such races are expected. At the end, in
quiet: every file is one that was made, links are counted right, a directory's entries are found
twice alike, and all of it can be removed. Prints what was done, or what is wrong, and fails.
"""
import collections
import errno
import hashlib
import os
import random
import stat
import sys
import time

directory, seconds, seed, processes = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
RACES = {errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.ESTALE,
         errno.ELOOP, errno.EMLINK, errno.EBUSY, errno.ENODATA, errno.EPERM}
NAMES = [f"n{number}" for number in range(12)]


class Wrong(Exception):
    pass


def body(identity):
    digest = hashlib.sha256(identity).digest()
    return identity + b"\n" + digest * (int.from_bytes(digest[:2], "big") % 1200)


def check(path, data):
    identity = data.split(b"\n", 1)[0]
    if data != body(identity):
        raise Wrong(f"{path}: {len(data)} bytes are no file that was made: {data[:60]!r}")


class Worker:
    def __init__(self, number):
        self.number, self.random, self.made = number, random.Random(f"{seed} {number}"), 0
        self.done = collections.Counter()

    def path(self):
        depth = self.random.choice((1, 1, 2, 2, 3))
        return "/".join([directory, *(self.random.choice(NAMES) for _ in range(depth))])

    def make(self):
        self.made += 1
        identity = b"seed %d process %d file %d" % (seed, self.number, self.made)
        new = f"{directory}/new-{self.number}-{self.made}"
        data = body(identity)
        fd = os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        try:
            for at in range(0, len(data), 9000):
                os.write(fd, data[at:at + 9000])
            os.setxattr(fd, "user.identity", identity)
        finally:
            os.close(fd)
        try:
            os.rename(new, self.path())
        except OSError:
            os.unlink(new)
            raise

    def read(self):
        path = self.path()
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return
            data = b""
            while piece := os.read(fd, 30_000):
                data += piece
            check(path, data)
            identity = os.getxattr(fd, "user.identity")
            if not data.startswith(identity + b"\n"):
                raise Wrong(f"{path}: has the attribute of another file: {identity!r}, {data[:60]!r}")
        finally:
            os.close(fd)

    def operation(self):
        name, call = self.random.choice(OPERATIONS)
        try:
            call(self)
            self.done[name] += 1
        except OSError as error:
            if error.errno not in RACES:
                raise Wrong(f"{name}: {error}") from error
            self.done["races"] += 1


OPERATIONS = [
    *[("make", Worker.make)] * 5,
    *[("read", Worker.read)] * 5,
    *[("rename", lambda w: os.rename(w.path(), w.path()))] * 4,
    *[("link", lambda w: os.link(w.path(), w.path(), follow_symlinks=False))] * 2,
    *[("unlink", lambda w: os.unlink(w.path()))] * 3,
    *[("mkdir", lambda w: os.mkdir(w.path()))] * 3,
    ("rmdir", lambda w: os.rmdir(w.path())),
    ("symlink", lambda w: os.symlink(w.random.choice(NAMES), w.path())),
    ("list", lambda w: os.listdir(w.path())),
    ("chmod", lambda w: os.chmod(w.path(), w.random.choice((0o644, 0o755, 0o600)))),
    ("set attribute", lambda w: os.setxattr(w.path(), f"user.x{w.random.randrange(5)}", w.random.randbytes(40))),
    ("remove attribute", lambda w: os.removexattr(w.path(), f"user.x{w.random.randrange(5)}")),
    ("stat", lambda w: os.lstat(w.path())),
]


def work(number):
    worker = Worker(number)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        worker.operation()
    print(" ".join(f"{name} {count}" for name, count in sorted(worker.done.items())), flush=True)


def verify():
    names, links, files = collections.Counter(), {}, 0
    for home, directories, entries in os.walk(directory):
        listed = os.listdir(home)
        if sorted(directories + entries) != sorted(listed) or len(set(listed)) != len(listed):
            raise Wrong(f"{home}: two listings differ: {directories} {entries}, {listed}")
        # A link to a directory is a name like others.
        for entry in entries + [name for name in directories if os.path.islink(f"{home}/{name}")]:
            path = f"{home}/{entry}"
            found = os.lstat(path)
            names[found.st_ino] += 1
            links[found.st_ino] = (found.st_nlink, path)
            if stat.S_ISREG(found.st_mode):
                with open(path, "rb") as file:
                    check(path, file.read())
                files += 1
    for inode, (count, path) in links.items():
        if count != names[inode]:
            raise Wrong(f"{path}: {count} links, {names[inode]} names")
    for home, directories, entries in os.walk(directory, topdown=False):
        for entry in entries + [name for name in directories if os.path.islink(f"{home}/{name}")]:
            os.unlink(f"{home}/{entry}")
        if home != directory:
            os.rmdir(home)
    if os.listdir(directory):
        raise Wrong(f"left after all was removed: {os.listdir(directory)}")
    print(f"verified {files} files")


children = []
for number in range(processes):
    child = os.fork()
    if child == 0:
        try:
            work(number)
        except Wrong as wrong:
            print(f"seed {seed}, process {number}: {wrong}", flush=True)
            os._exit(1)
        os._exit(0)
    children.append(child)
failed = [os.waitpid(child, 0)[1] for child in children]
if any(failed):
    sys.exit(1)
time.sleep(1.2)
try:
    verify()
except (Wrong, OSError) as wrong:
    print(f"seed {seed}: {wrong}")
    sys.exit(1)
