"""Starts the Clojure session store on this machine's Java."""

import json
import pathlib
import subprocess
from contextlib import contextmanager

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2] / "examples/session-store-clojure/src"

QUICK_START = ["-XX:TieredStopAtLevel=1"]  # half the time to the ready line; a test never runs long enough to miss C2


def class_path():
    """Runs `install`; subprocess.CalledProcessError with code 69 says something is missing."""
    found = subprocess.run([HERE / "install"], check=True, stdout=subprocess.PIPE, text=True)
    return f"{found.stdout.strip()}:{SOURCE}"


def command(*options):
    return ["java", *QUICK_START, "-cp", class_path(), "clojure.main", "-m", "session-store.core",
            "--until-stdin-closes", *options]


@contextmanager
def running(*options):
    """Yields the ready line: {"nrepl": [ports], "socket": [ports], "pid": n}."""
    java = subprocess.Popen(command(*options), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield json.loads(java.stdout.readline())
    finally:
        java.stdin.close()
        java.wait(timeout=30)
        java.stdout.close()
