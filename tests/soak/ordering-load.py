#!/usr/bin/env python3
"""Chains of operations whose order snapshots must keep, and the check of what a snapshot shows.

    ordering-load.py DIRECTORY DIRECTORY CHAINS       the load; lines of standard input are commands
    ordering-load.py --verify CHAINS DIRECTORY...     what snapshots show, each as a line of JSON; several
                                                      directories with colons between are bricks of one
                                                      volume, each file on one of them

Of a chain each operation is begun when the one before was acknowledged, at the one client and the
other in turn; chains run side by side. Operation k of a chain, by k modulo 7:

    0  number k into one of five files, through O_SYNC         1  the same, and fsync
    2  the chain's renamed file gets its next name             3  a new file "new-k", fsync
    4  the new file of k - 8 is removed, if there is one       5  number k into a file, then fsync by
    6  number k into a file, and no more than close(2)            another descriptor

The volume has performance.flush-behind off: close(2) waits until the bricks have what was written.

On "mark" the load tells, as one line of JSON, how many operations of each chain were begun and how
many acknowledged, the longest time since the last mark that a chain waited for an operation, and
when those were begun and acknowledged that have ended since, in milliseconds of one clock.
On "stop" it ends. An operation that fails is tried again until it succeeds, or until what it was
to do has been there already for so long that every brick is back: DHT says ENOENT of what is on one
that is not. Errors are counted.
"""
import errno
import json
import os
import stat
import sys
import threading
import time

SLOTS = 5
KINDS = 7
REMOVED_AFTER = KINDS + 1
DONE_ALREADY = (errno.EEXIST, errno.ENOENT)
ALL_BACK_SECONDS = 20


def names_after(k):
    """What a chain's directory has after operation k: name to content; None is any content."""
    state = {"moved-0": None}
    moved = 0
    for at in range(k + 1):
        kind = at % KINDS
        if kind in (0, 1, 5, 6):
            state[f"slot-{at % SLOTS}"] = str(at)
        elif kind == 2:
            del state[f"moved-{moved}"]
            moved += 1
            state[f"moved-{moved}"] = None
        elif kind == 3:
            state[f"new-{at}"] = str(at)
        else:
            state.pop(f"new-{at - REMOVED_AFTER}", None)
    return state


class Chain:
    def __init__(self, number, mounts):
        self.number = number
        self.places = [os.path.join(mount, f"chain-{number}") for mount in mounts]
        self.begun = -1
        self.acked = -1
        self.longest = 0.0
        self.since = time.monotonic()
        self.errors = 0
        self.stopping = False
        self.moved = 0
        # When each was begun and acknowledged.
        self.done = []
        self.told = 0
        os.makedirs(self.places[0], exist_ok=True)
        with open(os.path.join(self.places[0], "moved-0"), "w"):
            pass

    def run(self):
        k = 0
        while not self.stopping:
            self.begun = k
            self.since = time.monotonic()
            self.until_done(k)
            now = time.monotonic()
            self.longest = max(self.longest, now - self.since)
            if self.stopping:
                return
            self.done.append((round(1000 * self.since, 2), round(1000 * now, 2)))
            self.acked = k
            k += 1

    def untold(self):
        done = self.done[self.told:]
        self.told += len(done)
        return done

    def until_done(self, k):
        tried = False
        done_since = None
        while True:
            try:
                self.perform(k, self.places[k % 2])
                return
            except OSError as error:
                now = time.monotonic()
                if tried and error.errno in DONE_ALREADY and k % KINDS in (2, 3, 4):
                    done_since = done_since or now
                    if now - done_since > ALL_BACK_SECONDS:
                        if k % KINDS == 2:
                            self.moved += 1
                        return
                else:
                    done_since = None
                self.errors += 1
                tried = True
                if self.stopping:
                    return
                time.sleep(0.1)

    def perform(self, k, place):
        kind = k % KINDS
        text = f"{k:16d}".encode()
        if kind in (0, 1, 5, 6):
            path = os.path.join(place, f"slot-{k % SLOTS}")
            file = os.open(path, os.O_RDWR | os.O_CREAT | (os.O_SYNC if kind == 0 else 0), 0o644)
            try:
                os.pwrite(file, text, 0)
                if kind == 1:
                    os.fsync(file)
            finally:
                os.close(file)
            if kind == 5:
                file = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(file)
                finally:
                    os.close(file)
        elif kind == 2:
            os.rename(os.path.join(place, f"moved-{self.moved}"),
                      os.path.join(place, f"moved-{self.moved + 1}"))
            self.moved += 1
        elif kind == 3:
            file = os.open(os.path.join(place, f"new-{k}"), os.O_RDWR | os.O_CREAT, 0o644)
            try:
                os.pwrite(file, text, 0)
                os.fsync(file)
            finally:
                os.close(file)
        elif k > REMOVED_AFTER:
            os.unlink(os.path.join(place, f"new-{k - REMOVED_AFTER}"))


def load(mounts, count):
    chains = [Chain(number, mounts) for number in range(count)]
    threads = [threading.Thread(target=chain.run, daemon=True) for chain in chains]
    for thread in threads:
        thread.start()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        now = time.monotonic()
        told = {
            # Acknowledged first: what is begun meanwhile may be more.
            "acked": [chain.acked for chain in chains],
            "begun": [chain.begun for chain in chains],
            "longestMs": [
                round(1000 * max(chain.longest, now - chain.since if chain.begun > chain.acked else 0), 1)
                for chain in chains
            ],
            "errors": [chain.errors for chain in chains],
            "done": [chain.untold() for chain in chains],
        }
        for chain in chains:
            chain.longest = 0.0
        print(json.dumps(told), flush=True)
        if line.strip() == "stop":
            break
    for chain in chains:
        chain.stopping = True
    deadline = time.monotonic() + 30
    for thread in threads:
        thread.join(max(0.1, deadline - time.monotonic()))
    return 0


def shown(places):
    """What is there: name to content."""
    found = {}
    for place in places:
        for name in os.listdir(place):
            path = os.path.join(place, name)
            # DHT's pointer to the brick that has the file.
            if stat.S_IMODE(os.lstat(path).st_mode) == stat.S_ISVTX:
                continue
            if name in found:
                found[f"twice {name}"] = None
            if name.startswith("moved-"):
                found[name] = None
                continue
            with open(path, "rb") as file:
                found[name] = text_of(file.read())
    return found


def text_of(data):
    """A number, also of a fragment of a dispersed file.

    Of a stripe only the first 16 bytes are not zero. A fragment is a multiple of them in a field of
    256 elements whose bits are planes of 64 bytes: the text is in the plane of each bit of the factor.
    """
    texts = {data[at:at + 16].strip(b"\0 ") for at in range(0, len(data), 64)} - {b""}
    if len(texts) > 1 or any(not text.isdigit() for text in texts):
        return f"mixed {sorted(texts)}"
    return "".join(text.decode() for text in texts)


def last_seen(found):
    """The newest operation of which there is a sign."""
    newest = -1
    for name, content in found.items():
        if name.startswith("moved-"):
            moved = int(name[6:])
            # Operation 2, 9, 16 … makes the names 1, 2, 3 …
            newest = max(newest, KINDS * (moved - 1) + 2 if moved > 0 else -1)
        elif content and content.isdigit():
            newest = max(newest, int(content))
        if name.startswith("new-"):
            newest = max(newest, int(name[4:]) - 1)
    return newest


def judge(found):
    """The newest operation that is in it for certain, the oldest that is not, and what is wrong."""
    newest = last_seen(found)
    wholes = [k for k in (newest, newest + 1) if found == names_after(k)]
    after = names_after(newest)
    begun = names_after(newest + 1)
    names = sorted(set(found) | set(after) | set(begun))
    wrong = []
    if not wholes:
        # The operation that was under way may have happened in part: a file without its number
        # yet, a name that is gone already.
        wrong = [
            f"{name}: {found.get(name, 'gone')}, {after.get(name, 'gone')} expected"
            for name in names
            if found.get(name, "gone") not in (
                after.get(name, "gone"), begun.get(name, "gone"), after.get(name, ""))]
    moved = [name for name in found if name.startswith("moved-")]
    if len(moved) != 1:
        wrong.append(f"names of the renamed file: {sorted(moved)}")
    return {
        "seen": min(wholes, default=newest),
        "missing": max(wholes, default=newest) + 1,
        "wrong": wrong[:8],
    }


def verify(count, sets):
    for places in sets:
        print(json.dumps([
            judge(shown([os.path.join(brick, f"chain-{number}") for brick in places.split(":")]))
            for number in range(count)]))
    return 0


if sys.argv[1] == "--verify":
    sys.exit(verify(int(sys.argv[2]), sys.argv[3:]))
sys.exit(load(sys.argv[1:3], int(sys.argv[3])))
