#!/usr/bin/env python3
"""Creates, writes, renames and reads files for a while, and then checks all that was acknowledged.

    verified-load.py DIRECTORY SECONDS PROCESSES [FILES]

Each process goes on for so many seconds, and then until it has so many files, 0 by default.
A call that fails because the server was away is tried again; what it had acknowledged must be there,
what it did not may be. Prints "verified N files", or what is wrong, and then fails.
"""
import errno
import hashlib
import os
import random
import sys
import time

directory, seconds, processes = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
minimum = int(sys.argv[4]) if len(sys.argv) > 4 else 0
AWAY = {errno.ENOTCONN, errno.EIO, errno.ESTALE, errno.EBADFD, errno.EBADF}


def content(name, version):
    block = hashlib.sha256(f"{name} {version}".encode()).digest()
    return block * random.Random(f"{name} {version}").randrange(1, 3000)


def write_whole(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        done = 0
        while done < len(data):
            done += os.write(fd, data[done:done + 30000])
        os.fsync(fd)
    finally:
        os.close(fd)


def read_whole(path):
    with open(path, "rb", buffering=0) as file:
        return file.read()


def persist(call):
    """Until it is acknowledged. True when an earlier try may have been performed."""
    tried = False
    for _ in range(600):
        try:
            call()
            return tried
        except OSError as error:
            if error.errno not in AWAY and not (tried and error.errno in (errno.ENOENT, errno.EEXIST)):
                raise
            if tried and error.errno in (errno.ENOENT, errno.EEXIST):
                return True
            tried = True
            time.sleep(0.1)
    raise TimeoutError("the server did not come back")


def load(number):
    rng = random.Random(number)
    home = f"{directory}/p{number}"
    persist(lambda: os.mkdir(home))
    files = {}
    until = time.time() + seconds
    version = 0
    while time.time() < until or len(files) < minimum:
        version += 1
        what = rng.random()
        if what < 0.5 or not files:
            name = f"f{rng.randrange(60)}"
            data = content(name, version)
            persist(lambda: write_whole(f"{home}/{name}", data))
            files[name] = data
        elif what < 0.7:
            old = rng.choice(sorted(files))
            new = f"r{rng.randrange(60)}"
            persist(lambda: os.rename(f"{home}/{old}", f"{home}/{new}"))
            files[new] = files.pop(old)
        elif what < 0.8:
            name = rng.choice(sorted(files))
            persist(lambda: os.unlink(f"{home}/{name}"))
            del files[name]
        else:
            name = rng.choice(sorted(files))
            found = []
            persist(lambda: found.append(read_whole(f"{home}/{name}")))
            if found and found[-1] != files[name]:
                print(f"{name}: read other bytes than were written")
                return 1
    for name, data in files.items():
        found = []
        persist(lambda: found.append(read_whole(f"{home}/{name}")))
        if not found or found[-1] != data:
            print(f"{home}/{name}: lost or changed, {len(found[-1]) if found else 'missing'} of {len(data)}")
            return 1
    listed = []
    persist(lambda: listed.append(set(os.listdir(home))))
    if listed[-1] != set(files):
        print(f"{home}: has {sorted(listed[-1] ^ set(files))} too many or too few")
        return 1
    print(f"verified {len(files)} files", flush=True)
    return 0


children = []
for number in range(processes):
    child = os.fork()
    if child == 0:
        try:
            os._exit(load(number))
        except BaseException as error:
            print(f"p{number}: {error!r}", flush=True)
            os._exit(2)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
