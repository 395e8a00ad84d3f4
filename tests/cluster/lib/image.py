#!/usr/bin/env python3
"""Writes a docker-archive and prints the image's id. The same input gives the same bytes."""

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
import tempfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="with its tag")
    parser.add_argument("out")
    parser.add_argument("layers", nargs="+", help="folders or tar files, the lowest first")
    parser.add_argument("--entrypoint", type=json.loads, default=[], help="a JSON list")
    parser.add_argument("--user", default="")
    return parser.parse_args()


def anonymous(entry):
    """Drops what differs from build to build: owner and time."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry


def packed(folder, scratch):
    """A tar file of the folder; tarfile adds names in their order."""
    path = os.path.join(scratch, f"{len(os.listdir(scratch))}.tar")
    with tarfile.open(path, "w") as layer:
        for name in sorted(os.listdir(folder)):
            layer.add(os.path.join(folder, name), name, filter=anonymous)
    return path


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def configuration(options, digests):
    return json.dumps({
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": {
            "Entrypoint": options.entrypoint,
            "User": options.user,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
    }, sort_keys=True).encode()


def add_bytes(archive, name, content):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def write(options, layers, out):
    digests = [digest_of(layer) for layer in layers]
    config = configuration(options, digests)
    identity = hashlib.sha256(config).hexdigest()
    names = [f"{digest}/layer.tar" for digest in digests]
    manifest = [{"Config": f"{identity}.json", "RepoTags": [options.name], "Layers": names}]
    with tarfile.open(fileobj=out, mode="w") as archive:
        add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
        add_bytes(archive, f"{identity}.json", config)
        for name, layer in zip(names, layers):
            archive.add(layer, name, filter=anonymous)
    return identity


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(dir=os.path.dirname(options.out)) as scratch:
        layers = [packed(layer, scratch) if os.path.isdir(layer) else layer for layer in options.layers]
        whole = os.path.join(scratch, "image")
        with open(whole, "wb") as out:
            identity = write(options, layers, out)
        shutil.move(whole, options.out)
    print(f"sha256:{identity}")


main()
