#!/usr/bin/env python3
"""What a brick holds below one of its directories, in terms that do not depend on chance.

    brick-facts.py BRICK NAME

One line an object: kind, mode, owner, links, size; the names of its attributes and those values
that are not times or gfids; whether its handle leads to it; whether each name's gfid2path is right.
"""
import os
import stat
import sys

brick, top = sys.argv[1:]


def handle_of(gfid):
    text = gfid.hex()
    parts = [text[0:8], text[8:12], text[12:16], text[16:20], text[20:32]]
    return os.path.join(brick, ".glusterfs", text[0:2], text[2:4], "-".join(parts)), "-".join(parts)


def attributes(path):
    found = {}
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith("trusted.SGI") or name == "security.selinux":
            continue
        found[name] = os.getxattr(path, name, follow_symlinks=False)
    return found


parents = {}


def describe(path, name):
    facts = os.lstat(path)
    found = attributes(path)
    gfid = found.pop("trusted.gfid")
    handle, text = handle_of(gfid)
    parents[path] = text
    line = [name.replace(top, "TOP", 1), oct(facts.st_mode), f"{facts.st_uid}:{facts.st_gid}"]
    if stat.S_ISDIR(facts.st_mode):
        same = os.path.islink(handle) and os.path.samefile(handle, path)
        line += ["handle leads here" if same else f"handle WRONG {os.readlink(handle)}"]
    else:
        line += [f"links {facts.st_nlink} size {facts.st_size} dev {facts.st_rdev}"]
        same = os.lstat(handle).st_ino == facts.st_ino
        line += ["handle is a link of it" if same else "handle WRONG"]
    mdata = found.pop("trusted.glusterfs.mdata", None)
    line += [f"mdata {len(mdata)} bytes, version {mdata[0]}" if mdata else "no mdata"]
    links = sorted(value.decode() for key, value in found.items() if key.startswith("trusted.gfid2path."))
    keys = {key for key in found if key.startswith("trusted.gfid2path.")}
    line += [f"gfid2path keys of {sorted({len(key) for key in keys})}"] if keys else []
    for link in links:
        parent, _, base = link.partition("/")
        known = [where for where, gfid_text in parents.items() if gfid_text == parent]
        line += [f"named {os.path.relpath(known[0], brick).replace(top, 'TOP', 1)}/{base}" if known else "named by a stranger"]
    for key in sorted(found):
        if key not in keys:
            line += [f"{key}={found[key].hex()}"]
    print("; ".join(line))


def walk(path, name):
    describe(path, name)
    if not os.path.islink(path) and os.path.isdir(path):
        for entry in sorted(os.listdir(path)):
            walk(os.path.join(path, entry), f"{name}/{entry}")


def count_handles():
    known = {"files": 0, "links": 0}
    for first in os.listdir(os.path.join(brick, ".glusterfs")):
        if len(first) != 2:
            continue
        for root, _, files in os.walk(os.path.join(brick, ".glusterfs", first)):
            for entry in files:
                path = os.path.join(root, entry)
                if not os.path.islink(path) and os.lstat(path).st_nlink == 1:
                    print("handle without a name")
    return known


walk(os.path.join(brick, top), top)
count_handles()
for side in ("unlink", "landfill"):
    print(side, os.listdir(os.path.join(brick, ".glusterfs", side)))
