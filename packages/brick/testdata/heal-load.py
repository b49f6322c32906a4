#!/usr/bin/env python3
"""Changes a tree of files while bricks come and go, and checks it against a model.

    heal-load.py DIRECTORY SECONDS PROCESSES SEED MODEL
    heal-load.py --verify DIRECTORY MODEL

No call may fail. What is there in the end is written to MODEL, one JSON object a line; --verify
compares a directory with it. Prints "N files, M operations" or "verified N files".
"""
import hashlib
import json
import os
import random
import sys
import time

VALUE_BYTES = 600


def content(rng):
    size = rng.choice([0, 1, 511, 512, 1024, 4096, 4097, 10_000, 70_000, 200_000])
    return rng.randbytes(rng.randrange(size + 1) if rng.random() < 0.5 else size)


class Load:
    """The files of one process: path below its home -> bytes, and user attributes of each."""

    def __init__(self, home, seed):
        self.home = home
        self.rng = random.Random(seed)
        self.files = {}
        self.attributes = {}
        self.directories = {""}
        self.count = 0

    def at(self, path):
        return os.path.join(self.home, path) if path else self.home

    def new_path(self):
        parent = self.rng.choice(sorted(self.directories))
        return os.path.join(parent, f"n{self.rng.randrange(40)}")

    def step(self):
        rng = self.rng
        self.count += 1
        if not self.files or rng.random() < 0.25:
            return self.create()
        path = rng.choice(sorted(self.files))
        operation = rng.choice([
            self.overwrite, self.append, self.truncate, self.unlink, self.rename, self.attribute,
            self.read, self.mkdir, self.rmdir, self.overwrite, self.keep_open, self.mode,
            self.move_directory])
        return operation(path)

    def create(self):
        path = self.new_path()
        if path in self.directories:
            return
        data = content(self.rng)
        with open(self.at(path), "wb", buffering=0) as file:
            self.write_all(file, data)
        self.files[path] = bytearray(data)
        self.attributes.setdefault(path, {})

    def write_all(self, file, data):
        done = 0
        while done < len(data):
            done += file.write(data[done:done + 60_000])

    def overwrite(self, path):
        data = content(self.rng)[:30_000]
        old = self.files[path]
        start = self.rng.randrange(len(old) + 1)
        fd = os.open(self.at(path), os.O_WRONLY)
        try:
            done = 0
            while done < len(data):
                done += os.pwrite(fd, data[done:], start + done)
            if self.rng.random() < 0.3:
                os.fsync(fd)
        finally:
            os.close(fd)
        old[start:start + len(data)] = data

    def append(self, path):
        data = content(self.rng)[:20_000]
        with open(self.at(path), "ab", buffering=0) as file:
            self.write_all(file, data)
        self.files[path] += data

    def truncate(self, path):
        size = self.rng.randrange(len(self.files[path]) + 5000)
        os.truncate(self.at(path), size)
        old = self.files[path]
        self.files[path] = old[:size] + bytes(max(size - len(old), 0))

    def unlink(self, path):
        os.unlink(self.at(path))
        del self.files[path]
        del self.attributes[path]

    def rename(self, path):
        new = self.new_path()
        if new in self.directories or new == path:
            return
        os.rename(self.at(path), self.at(new))
        self.files[new] = self.files.pop(path)
        self.attributes[new] = self.attributes.pop(path)

    def attribute(self, path):
        name = f"user.a{self.rng.randrange(3)}"
        if name in self.attributes[path] and self.rng.random() < 0.3:
            os.removexattr(self.at(path), name)
            del self.attributes[path][name]
        else:
            value = self.rng.randbytes(self.rng.randrange(1, VALUE_BYTES))
            os.setxattr(self.at(path), name, value)
            self.attributes[path][name] = value

    def read(self, path):
        with open(self.at(path), "rb", buffering=0) as file:
            found = file.readall()
        if found != self.files[path]:
            raise ValueError(f"{path}: read other bytes than were written")

    def mkdir(self, _path):
        new = self.new_path()
        if new in self.files or new in self.directories or new.count("/") > 3:
            return
        os.mkdir(self.at(new))
        self.directories.add(new)

    def rmdir(self, _path):
        for path in sorted(self.directories, key=len, reverse=True):
            inside = path + "/"
            if path and not any(other.startswith(inside) for other in [*self.files, *self.directories]):
                os.rmdir(self.at(path))
                self.directories.discard(path)
                return

    def move_directory(self, _path):
        path = self.rng.choice(sorted(self.directories))
        new = self.new_path()
        inside = path + "/"
        if not path or new == path or new.startswith(inside) or new.count("/") > 3:
            return
        if new in self.files or new in self.directories:
            return
        os.rename(self.at(path), self.at(new))

        def moved(name):
            return new + name[len(path):] if name == path or name.startswith(inside) else name

        self.files = {moved(name): data for name, data in self.files.items()}
        self.attributes = {moved(name): values for name, values in self.attributes.items()}
        self.directories = {moved(name) for name in self.directories}

    def keep_open(self, path):
        """Written through a descriptor that was opened before the file got another name."""
        data = content(self.rng)[:5000]
        fd = os.open(self.at(path), os.O_RDWR)
        try:
            new = self.new_path()
            if new not in self.directories and new != path:
                os.rename(self.at(path), self.at(new))
                self.files[new] = self.files.pop(path)
                self.attributes[new] = self.attributes.pop(path)
                path = new
            done = 0
            while done < len(data):
                done += os.pwrite(fd, data[done:], done)
            self.files[path][0:len(data)] = data
        finally:
            os.close(fd)

    def mode(self, path):
        os.chmod(self.at(path), self.rng.choice([0o600, 0o644, 0o640]))

    def facts(self, prefix):
        for path, data in self.files.items():
            yield {
                "path": os.path.join(prefix, path), "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "attributes": {name: value.hex() for name, value in self.attributes[path].items()},
            }
        for path in self.directories:
            yield {"path": os.path.join(prefix, path) if path else prefix, "directory": True}


def run(directory, seconds, number, seed, model):
    name = f"p{seed}-{number}"
    load = Load(os.path.join(directory, name), seed * 1000 + number)
    os.mkdir(load.home)
    until = time.time() + seconds
    while time.time() < until:
        before = load.count
        try:
            load.step()
        except (OSError, ValueError) as error:
            text = f"{name}, operation {before + 1}, seed {seed}: {error!r}"
            print(text, file=sys.stderr, flush=True)
            return 1
    with open(f"{model}.{number}", "w") as file:
        for fact in load.facts(name):
            file.write(json.dumps(fact) + "\n")
    print(f"{len(load.files)} files, {load.count} operations", flush=True)
    return 0


def load_all(directory, seconds, processes, seed, model):
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            try:
                os._exit(run(directory, seconds, number, seed, model))
            except BaseException as error:
                print(f"p{number}: {error!r}", file=sys.stderr, flush=True)
                os._exit(2)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if max(codes) == 0:
        with open(model, "a") as whole:
            for number in range(processes):
                with open(f"{model}.{number}") as part:
                    whole.write(part.read())
    return max(codes)


def verify(directory, model):
    expected = {}
    with open(model) as file:
        for line in file:
            fact = json.loads(line)
            expected[fact["path"]] = fact
    tops = {path.split("/")[0] for path in expected}
    found = set()
    wrong = []
    for top in sorted(tops):
        for root, directories, files in os.walk(os.path.join(directory, top)):
            place = os.path.relpath(root, directory)
            found.add(place)
            for name in files:
                path = os.path.join(place, name)
                found.add(path)
                with open(os.path.join(directory, path), "rb") as file:
                    data = file.read()
                fact = expected.get(path, {})
                if hashlib.sha256(data).hexdigest() != fact.get("sha256"):
                    wrong.append(f"{path}: {len(data)} bytes, {fact.get('size', 'no')} expected")
                full = os.path.join(directory, path)
                attributes = {name: os.getxattr(full, name).hex() for name in os.listxattr(full)
                              if name.startswith("user.")}
                if attributes != fact.get("attributes"):
                    wrong.append(f"{path}: attributes {sorted(attributes)}")
    for path in sorted(found ^ set(expected)):
        wrong.append(f"{path}: {'too many' if path in found else 'missing'}")
    for line in wrong[:20]:
        print(line)
    print(f"verified {len(found)} files" if not wrong else f"{len(wrong)} wrong")
    return 1 if wrong else 0


if sys.argv[1] == "--verify":
    sys.exit(verify(sys.argv[2], sys.argv[3]))
sys.exit(load_all(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]))
