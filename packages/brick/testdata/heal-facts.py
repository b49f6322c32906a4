#!/usr/bin/env python3
"""What must be equal on all bricks of a set when everything is healed.

    heal-facts.py whole|names|fragments BRICK ENGINE

One line an object: its path, kind, mode, owner, links, gfid, user attributes and parents; of whole
bricks size and checksum, of fragments the counters of disperse. Pending counters that are not zero,
entries of the index and broken handles are lines that begin with "!". Of a brick that glusterfsd has served, a
parent that the object has no name in is left out: it keeps some of a file that was renamed while it did not answer.
"""
import hashlib
import os
import stat
import sys

kind, brick, engine = sys.argv[1:]
ROOT_HIDDEN = {".glusterfs"}


def handle_of(gfid):
    text = gfid.hex()
    parts = "-".join([text[0:8], text[8:12], text[12:16], text[16:20], text[20:32]])
    return os.path.join(brick, ".glusterfs", text[0:2], text[2:4], parts)


def is_named(link, ino):
    """Whether the object has the name that "PARENT'S GFID/NAME" says."""
    parent, name = link.split("/", 1)
    try:
        return os.lstat(os.path.join(handle_of(bytes.fromhex(parent.replace("-", ""))), name)).st_ino == ino
    except OSError:
        return False


def describe(path):
    place = os.path.relpath(path, brick)
    facts = os.lstat(path)
    attributes = {name: os.getxattr(path, name, follow_symlinks=False)
                  for name in os.listxattr(path, follow_symlinks=False)}
    gfid = attributes.get("trusted.gfid", b"")
    line = [place, oct(facts.st_mode), f"{facts.st_uid}:{facts.st_gid}", gfid.hex()]
    if len(gfid) != 16 or not os.path.lexists(handle_of(gfid)):
        print(f"! {place}: no handle")
    elif not stat.S_ISDIR(facts.st_mode) and os.lstat(handle_of(gfid)).st_ino != facts.st_ino:
        print(f"! {place}: the handle is another file's")
    for name in sorted(attributes):
        value = attributes[name]
        if name.startswith("trusted.afr.") and any(value):
            print(f"! {place}: {name} {value.hex()}")
        if name == "trusted.ec.dirty" and any(value):
            print(f"! {place}: {name} {value.hex()}")
        # A counter that is absent is as good as zero.
        counters = any(value) and kind == "fragments" and name in ("trusted.ec.version", "trusted.ec.size", "trusted.ec.config")
        if name.startswith("trusted.gfid2path."):
            if engine == "builtin" or is_named(value.decode(), facts.st_ino):
                line.append(f"named {value.decode()}")
        elif name.startswith("user.") or counters:
            text = value.hex() if len(value) <= 16 else hashlib.sha256(value).hexdigest()[:16]
            line.append(f"{name}={text}")
    if not stat.S_ISDIR(facts.st_mode):
        line.append(f"links {facts.st_nlink}")
    if stat.S_ISREG(facts.st_mode) and kind != "names":
        line.append(f"size {facts.st_size}")
        if kind == "whole":
            with open(path, "rb") as file:
                line.append(hashlib.sha256(file.read()).hexdigest())
    print("; ".join(line))


for root, directories, files in os.walk(brick):
    if root == brick:
        directories[:] = [name for name in directories
                          if name not in ROOT_HIDDEN and not name.startswith(".glusterfs-anonymous")]
    directories.sort()
    for name in sorted(directories + files):
        describe(os.path.join(root, name))
indices = os.path.join(brick, ".glusterfs", "indices")
for name in ("xattrop", "dirty"):
    for entry in sorted(os.listdir(os.path.join(indices, name))):
        if not entry.startswith(f"{name}-"):
            print(f"! index {name}/{entry}")
