#!/usr/bin/env python3
"""Tries the Clojure session store over raw sockets: python3 tests/runtimes/clojure/test_session_store.py"""

import json
import os
import socket
import subprocess
import sys
import unittest

import bencode
import session_store

DEADLINE_SECONDS = 60


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)


def eval_on_nrepl(port, code):
    with connect(port) as sock, sock.makefile("rb") as stream:
        sock.sendall(bencode.encode({"op": "eval", "id": "1", "code": code}))
        values = []
        while True:
            _, message = bencode.take(stream)
            values += [message["value"]] if "value" in message else []
            if "done" in message.get("status", []):
                return values


def eval_on_socket_repl(port, code):
    with connect(port) as sock, sock.makefile("rb") as stream:
        sock.sendall(code.encode() + b"\n:repl/quit\n")
        return stream.read().decode()


def setUpModule():
    try:
        session_store.class_path()
    except subprocess.CalledProcessError as missing:
        if missing.returncode == 69 and "CI" not in os.environ:
            raise unittest.SkipTest("no Clojure here; `install` says what is missing") from missing
        raise


class TheSessionStore(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ready = cls.enterClassContext(session_store.running(
            "--nrepl", "0,0", "--socket", "0,0", "--sessions", "7", "--version", "2.0.0", "--zone", "zone-c"))

    def test_every_port_asked_for_is_a_different_one(self):
        ports = self.ready["nrepl"] + self.ready["socket"]
        self.assertEqual(len(set(ports)), 4)

    def test_every_nrepl_port_answers_in_user(self):
        for port in self.ready["nrepl"]:
            self.assertEqual(eval_on_nrepl(port, "(count-sessions) (str *ns*)"), ["7", '"user"'])

    def test_every_socket_port_answers_in_user(self):
        for port in self.ready["socket"]:
            self.assertEqual(eval_on_socket_repl(port, "(count-sessions)"), "user=> 7\nuser=> ")

    def test_the_store_is_also_reached_by_its_namespace(self):
        port = self.ready["nrepl"][0]
        self.assertEqual(eval_on_nrepl(port, "(session-store.core/count-sessions)"), ["7"])

    def test_the_options_show_in_the_answers(self):
        port = self.ready["nrepl"][0]
        self.assertEqual(eval_on_nrepl(port, "[(version) (zone)]"), ['["2.0.0" "zone-c"]'])

    def test_a_session_lives_from_open_to_close(self):
        port = self.ready["nrepl"][0]
        life = ("(let [id (open-session! \"ada\")]"
                " [(:user (find-session id)) (close-session! id) (close-session! id) (find-session id)])")
        self.assertEqual(eval_on_nrepl(port, life), ['["ada" true false nil]'])

    def test_the_ports_are_open_on_loopback_only(self):
        for port in self.ready["nrepl"] + self.ready["socket"]:
            with self.assertRaises(OSError):  # a server on every address would take this one too
                socket.create_connection(("127.0.0.2", port), timeout=DEADLINE_SECONDS)


class TheCommandLine(unittest.TestCase):
    def run_with(self, *options):
        return subprocess.run(session_store.command(*options), stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def test_an_unknown_option_is_named(self):
        refused = self.run_with("--colour", "blue")
        self.assertEqual(refused.returncode, 64)
        self.assertIn("'--colour' is not an option", refused.stderr)

    def test_a_taken_port_is_said(self):
        with socket.create_server(("127.0.0.1", 0)) as holder:
            refused = self.run_with("--socket", str(holder.getsockname()[1]))
        self.assertEqual(refused.returncode, 69)
        self.assertIn("a port is taken", refused.stderr)

    def test_without_nrepl_on_the_class_path_the_socket_repl_still_opens(self):
        command = [part.replace("nrepl-1.0.0.jar", "absent.jar") for part in session_store.command("--socket", "0")]
        opened = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
        self.assertEqual(len(json.loads(opened.stdout)["socket"]), 1)


class AStoreWhoseParentIsKilled(unittest.TestCase):
    PARENT = """
import json, sys, session_store
with session_store.running("--socket", "0") as ready:
    print(json.dumps(ready), flush=True)
    sys.stdin.read()
"""

    def test_ends_by_itself(self):
        parent = subprocess.Popen([sys.executable, "-c", self.PARENT], cwd=session_store.HERE,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with parent, connect(json.loads(parent.stdout.readline())["socket"][0]) as sock:
            sock.recv(1024)
            parent.kill()
            self.assertEqual(sock.recv(1024), b"")  # the JVM's end of the connection has closed


if __name__ == "__main__":
    unittest.main()
