#!/usr/bin/env python3
"""One phase of work on many small files, by four processes; prints operations a second.

    small-files.py DIRECTORY create|stat|chmod|rename|read|list|unlink FILES_PER_PROCESS
"""
import os
import sys
import time

PROCESSES = 4
directory, phase, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
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
    home = f"{directory}/{process}"
    if phase == "create":
        os.makedirs(home, exist_ok=True)
    if phase == "list":
        if sum(entry.stat().st_size == len(DATA) for entry in os.scandir(home)) != count:
            os._exit(1)
        return
    call = PHASES[phase]
    for number in range(count):
        call(home, f"file-{number}", f"renamed-{number}")


started = time.monotonic()
children = []
for process in range(PROCESSES):
    child = os.fork()
    if child == 0:
        work(process)
        os._exit(0)
    children.append(child)
failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
if failed:
    sys.exit("a process failed")
print(PROCESSES * count / (time.monotonic() - started))
