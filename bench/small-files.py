#!/usr/bin/env python3
"""One phase of work on many small files, by four processes; prints operations a second.

    small-files.py DIRECTORY[,DIRECTORY...] PHASE FILES_PER_PROCESS

PHASE is create, stat, chmod, rename, read, names (readdir), list (readdir and stat), or unlink. Of
several directories, which may be mounts of several clients, each process has one. The time runs from
when all processes are there.
"""
import os
import sys
import time

PROCESSES = 4
directories, phase, count = sys.argv[1].split(","), sys.argv[2], int(sys.argv[3])
DATA = b"x" * 4096


def create(home, name, _):
    fd = os.open(f"{home}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    os.write(fd, DATA)
    os.close(fd)


def read(home, _, renamed):
    fd = os.open(f"{home}/{renamed}", os.O_RDONLY)
    if os.read(fd, 8192) != DATA:
        os._exit(1)
    os.close(fd)


PHASES = {
    "create": create,
    "stat": lambda home, name, _: os.stat(f"{home}/{name}"),
    "chmod": lambda home, name, _: os.chmod(f"{home}/{name}", 0o600),
    "rename": lambda home, name, renamed: os.rename(f"{home}/{name}", f"{home}/{renamed}"),
    "read": read,
    "unlink": lambda home, _, renamed: os.unlink(f"{home}/{renamed}"),
}


def work(process):
    home = f"{directories[process % len(directories)]}/{process}"
    if phase == "create":
        os.makedirs(home, exist_ok=True)
    if phase == "names":
        if len(os.listdir(home)) != count:
            os._exit(1)
        return
    if phase == "list":
        if sum(entry.stat().st_size == len(DATA) for entry in os.scandir(home)) != count:
            os._exit(1)
        return
    call = PHASES[phase]
    for number in range(count):
        call(home, f"file-{number}", f"renamed-{number}")


waiting, go = os.pipe()
children = []
for process in range(PROCESSES):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(waiting, 1)
        work(process)
        os._exit(0)
    children.append(child)
time.sleep(0.02)
started = time.monotonic()
os.close(go)
failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
if failed:
    sys.exit("a process failed")
print(PROCESSES * count / (time.monotonic() - started))
