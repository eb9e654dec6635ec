"""The workers of the app under test, over Redis: one sends a tick at a time, others take them.

`python loop.py clock` pushes numbers, `python loop.py taker` takes each, works on it in a process
of its own, as Celery's pool does, and writes it down. Each writes when it began and ended, and
ends what it has begun before it goes.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

VERSION = "1"
WORK = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: open(sys.argv[2], "a").write("told\\n"))
time.sleep(0.15)
open(sys.argv[1], "a").write(sys.argv[3] + "\\n")
"""
switches = Path(os.environ["SWITCHES"])
stopping: list[int] = []


def write(name: str, text: str) -> None:
    with (switches / name).open("a") as file:
        file.write(text + "\n")


class Redis:
    """As much of its protocol as a list needs."""

    def __init__(self, url: str) -> None:
        found = urlsplit(url)
        self.link = socket.create_connection((found.hostname, found.port), timeout=10)
        self.file = self.link.makefile("rb")
        if found.password:
            self.say("AUTH", found.password)

    def say(self, *words: str) -> "str | list[str] | None":
        self.link.sendall(f"*{len(words)}\r\n".encode())
        for word in words:
            self.link.sendall(f"${len(word)}\r\n{word}\r\n".encode())
        return self.answer()

    def answer(self) -> "str | list[str] | None":
        line = self.file.readline().decode().strip()
        kind, rest = line[:1], line[1:]
        if kind == "*":
            return None if rest == "-1" else [str(self.answer()) for _ in range(int(rest))]
        if kind == "$":
            return None if rest == "-1" else self.file.read(int(rest) + 2)[:-2].decode()
        if kind == "-":
            raise RuntimeError(rest)
        return rest


def clock(redis: Redis) -> None:
    while not stopping:
        write("sent", str(redis.say("INCR", "tick")))
        redis.say("LPUSH", "ticks", (switches / "sent").read_text().split()[-1])
        time.sleep(0.1)


def taker(redis: Redis) -> None:
    while not stopping:
        found = redis.say("BRPOP", "ticks", "1")
        if found:
            write("taken", found[1])
            paths = (str(switches / "done"), str(switches / "told"), found[1])
            subprocess.run([sys.executable, "-c", WORK, *paths], check=True)


if __name__ == "__main__":
    name = sys.argv[1]
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(1))
    print(f"{name} {VERSION} begins", flush=True)
    began = time.time()
    {"clock": clock, "taker": taker}[name](Redis(os.environ["REDIS_URL"]))
    write(f"lived-{name}", f"{began:.3f} {time.time():.3f} {VERSION} {os.getpid()}")
    print(f"{name} ends", flush=True)
