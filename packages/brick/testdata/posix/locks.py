"""fcntl, OFD and flock locks among processes, and among clients where there is a second mount."""
import errno
import fcntl
import os
import signal
import struct
import time

from judge import fill, fresh, outcome, want

READ, WRITE, NONE = fcntl.F_RDLCK, fcntl.F_WRLCK, fcntl.F_UNLCK
OFD_GETLK, OFD_SETLK = 36, 37


def set_lock(fd, kind, start, length, command=fcntl.F_SETLK):
    fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, 0, start, length, 0))
    return "granted"


def holder(fd, kind, start, length, command=fcntl.F_GETLK):
    found = struct.unpack("hhqqi4x", fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, 0, start, length, 0)))
    return (found[0], found[2], found[3]) if found[0] != NONE else None


class Other:
    """Another process, which does what it is told, in turn."""

    def __init__(self, path):
        self.asked, self.told = os.pipe(), os.pipe()
        self.child = os.fork()
        if self.child == 0:
            fd = os.open(path, os.O_RDWR)
            while len(line := os.read(self.asked[0], 200)) > 0:
                if line == b"end":
                    break
                result = outcome(lambda: eval(line.decode(), {**globals(), "fd": fd}))
                os.write(self.told[1], repr(result).encode())
            os._exit(0)

    def __call__(self, text):
        os.write(self.asked[1], text.encode())
        return eval(os.read(self.told[0], 200).decode())

    def end(self, number=signal.SIGKILL):
        os.kill(self.child, number)
        os.waitpid(self.child, 0)
        for fd in (*self.asked, *self.told):
            os.close(fd)


def run(second=None):
    among("a process", ".")
    if second is not None:
        among("a client", second)
    waiting()


def among(who, there):
    name = fill(fresh("locked"))
    if there != ".":
        time.sleep(1.1)
    other = Other(f"{there}/{name}")
    fd = os.open(name, os.O_RDWR)
    refused = ("EAGAIN", "EACCES")
    set_lock(fd, WRITE, 100, 50)
    for kind, start, length, free in ((WRITE, 0, 100, True), (WRITE, 0, 101, False), (READ, 149, 1, False),
                                      (READ, 150, 0, True), (WRITE, 0, 0, False), (READ, 120, 5, False)):
        want(f"{who} asks for {kind} of {start}+{length}",
             lambda: other(f"set_lock(fd, {kind}, {start}, {length})"), *(("granted",) if free else refused))
        other(f"set_lock(fd, {NONE}, {start}, {length})")
    want(f"{who} is told who holds it", lambda: other(f"holder(fd, {WRITE}, 0, 0)"), (WRITE, 100, 50))
    set_lock(fd, NONE, 120, 10)
    want(f"{who} gets the middle", lambda: other(f"set_lock(fd, {WRITE}, 120, 10)"), "granted")
    want(f"{who} does not get more", lambda: other(f"set_lock(fd, {WRITE}, 119, 10)"), *refused)
    other(f"set_lock(fd, {NONE}, 0, 0)")
    set_lock(fd, READ, 100, 20)
    want(f"{who} shares what became shared", lambda: other(f"set_lock(fd, {READ}, 100, 20)"), "granted")
    want(f"no upgrade while {who} shares", lambda: set_lock(fd, WRITE, 100, 20), *refused)
    other(f"set_lock(fd, {NONE}, 0, 0)")
    want(f"an upgrade when {who} let go", lambda: set_lock(fd, WRITE, 100, 20), "granted")
    set_lock(fd, NONE, 0, 0)
    want(f"{who} gets all", lambda: other(f"set_lock(fd, {WRITE}, 0, 0)"), "granted")
    want(f"{who} holds to the end", lambda: holder(fd, WRITE, 1 << 40, 1), (WRITE, 0, 0))
    other.end()
    want(f"locks of {who} that died are gone", lambda: eventually(lambda: set_lock(fd, WRITE, 0, 0)), "granted")
    second = os.open(name, os.O_RDWR)
    os.close(second)
    other = Other(f"{there}/{name}")
    want(f"closing any descriptor let all go, {who} finds",
         lambda: eventually(lambda: other(f"set_lock(fd, {WRITE}, 0, 0)")), "granted")
    other(f"set_lock(fd, {NONE}, 0, 0)")
    set_lock(fd, WRITE, 10, 10, OFD_SETLK)
    want(f"an open file's lock, against {who}", lambda: other(f"set_lock(fd, {WRITE}, 15, 1)"), *refused)
    same = os.open(name, os.O_RDWR)
    want("an open file's lock, against another in the process", lambda: set_lock(same, WRITE, 15, 1, OFD_SETLK), *refused)
    os.close(same)
    set_lock(fd, NONE, 10, 10, OFD_SETLK)
    fcntl.flock(fd, fcntl.LOCK_EX)
    want(f"flock against {who}", lambda: other("(fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB), 1)[1]"), "EAGAIN")
    fcntl.flock(fd, fcntl.LOCK_SH)
    want(f"flock shared with {who}", lambda: other("(fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB), 1)[1]"), 1)
    want(f"flock not exclusive while {who} shares", lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB), "EAGAIN")
    other.end()
    want(f"flock when {who} died", lambda: eventually(lambda: fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)), None)
    os.close(fd)


def eventually(call):
    """The end of a process reaches the server a little later."""
    for _ in range(100):
        found = outcome(call)
        if found not in ("EAGAIN", "EACCES"):
            return found
        time.sleep(0.02)
    return found


def waiting():
    name = fill(fresh("waits"))
    fd = os.open(name, os.O_RDWR)
    set_lock(fd, WRITE, 0, 10)
    child = os.fork()
    if child == 0:
        own = os.open(name, os.O_RDWR)
        set_lock(own, WRITE, 5, 1, fcntl.F_SETLKW)
        os.pwrite(own, b"WON", 0)
        os._exit(0)
    time.sleep(0.2)
    want("who waits has not won", lambda: (os.waitpid(child, os.WNOHANG)[0], os.pread(fd, 3, 0)), (0, b"xxx"))
    set_lock(fd, NONE, 0, 10)
    want("who waited wins", lambda: os.waitpid(child, 0)[1], 0)
    want("and writes", lambda: os.pread(fd, 3, 0), b"WON")
    other = Other(name)
    other(f"set_lock(fd, {WRITE}, 0, 10)")

    def alarmed(*_):
        raise OSError(errno.EINTR, "alarm")
    signal.signal(signal.SIGALRM, alarmed)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    want("waiting is broken off by a signal", lambda: set_lock(fd, WRITE, 0, 10, fcntl.F_SETLKW), "EINTR")
    signal.setitimer(signal.ITIMER_REAL, 0)
    other(f"set_lock(fd, {NONE}, 0, 10)")
    want("who broke off holds nothing", lambda: other(f"set_lock(fd, {WRITE}, 0, 10)"), "granted")
    other.end()
    os.close(fd)
