#!/usr/bin/env python3
"""Measures the service on one machine: publisher, migrators, redis-server and the sandbox (S3, GCS, Pub/Sub).

scaling    four migrators against one, each with the same number of transfers, at 20 ms of latency at both clouds: what
           one process can't do because it waits, four can. The time is that from the first committed object to the last.
publisher  objects per second that one publisher lists on both sides, compares, publishes and marks, nobody consuming;
           with the sandbox's broker, and with Google's emulator where there is one.

Wall time of several processes on few cores depends on what else the machine does: run it on an idle one.
"""

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("FERRY_BIN", ROOT / "build" / "release" / "bin"))
USER, PASSWORD = "operator", "a-bench-has-no-secrets"
SOURCE, TARGET = "bench-source", "bench-target"
PATIENCE = 300


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited in vain until {what}")
        time.sleep(0.01)


class World:
    """Sandbox and Redis for one run, and the processes of the service that were started in it."""

    def __init__(self, objects, size, latency_ms=0):
        self.cleanup = contextlib.ExitStack()
        self.folder = pathlib.Path(self.cleanup.enter_context(tempfile.TemporaryDirectory()))
        self.pids = {}
        clouds = self.start("clouds", [
            BIN / "bucketferry-sandbox", "--s3", "0", "--gcs", "0", "--pubsub", "0", "--no-sha", "--discard", "--latency",
            str(latency_ms), "--synthetic", f"{SOURCE}:{objects}:{size}", "--buckets-gcs", TARGET])
        wait_until("the sandbox is ready", lambda: "\n" in self.said(clouds, "out"))
        ready = json.loads(self.said(clouds, "out").split("\n")[0])
        port = free_port()
        self.start("redis", ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder])
        wait_until("Redis answers", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        self.s3 = ready["s3"]
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": ready["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": ready["secret_access_key"],
            "AWS_ENDPOINT_URL_S3": ready["s3"],
            "STORAGE_EMULATOR_HOST": ready["gcs"],
            "PUBSUB_EMULATOR_HOST": ready["pubsub"],
            "REDIS_ADDRESS": f"127.0.0.1:{port}",
            "SYSTEM_ADMIN_USERNAME": USER,
            "SYSTEM_ADMIN_PASSWORD": PASSWORD,
        }

    def start(self, name, command, environment=None):
        files = [open(self.folder / f"{name}.{kind}", "w+b") for kind in ("out", "err")]
        process = subprocess.Popen([str(word) for word in command], stdout=files[0], stderr=files[1], env=environment)
        process.name = name
        self.pids[name] = process.pid
        self.cleanup.callback(self.stop, process)
        return process

    @staticmethod
    def stop(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def said(self, process, kind="err"):
        return (self.folder / f"{process.name}.{kind}").read_text(errors="replace")

    def role(self, name, role, *options):
        command = [BIN / "bucketferry", role, f"s3://{SOURCE}", f"gs://{TARGET}", "--listen", "127.0.0.1:0", *options]
        return self.start(name, command, self.environment)

    def await_event(self, process, event):
        def happened():
            if process.poll() is not None:
                sys.exit(f"{process.name} ended:\n{self.said(process)[-3000:]}")
            return f'"event":"{event}"' in self.said(process)

        wait_until(f"{process.name} says {event}", happened)
        line = next(line for line in self.said(process).split("\n") if f'"event":"{event}"' in line)
        return json.loads(line)

    def cpu_seconds(self, name):
        """User and system time so far of the process of that name."""
        fields = pathlib.Path(f"/proc/{self.pids[name]}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def committed(self):
        with urllib.request.urlopen(f"{self.s3}/_sandbox/counters") as reply:
            gcs = json.load(reply).get("gcs", {})
        return gcs.get("InsertMultipart", {}).get("requests", 0)


def seconds_of(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def migrate(migrators, transfers, objects, latency_ms):
    """@return objects per second from the first commit to the last."""
    world = World(objects, 1024, latency_ms)
    with world.cleanup:
        for i in range(migrators):
            world.role(f"migrator_{i}", "migrator", "--transfers", str(transfers))
        for i in range(migrators):
            wait_until("a migrator is ready", lambda i=i: "migrator.ready" in (world.folder / f"migrator_{i}.err").read_text())
        world.role("publisher", "publisher")
        first = None
        while (done := world.committed()) < objects:
            if first is None and done > 0:
                first, begun = time.monotonic(), done
            time.sleep(0.02)
        return (objects - begun) / (time.monotonic() - first)


def emulator():
    found = subprocess.run([ROOT / "tests/system/find_pubsub_emulator.sh"], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def publish(objects, with_emulator=None):
    """@return of the first scan: objects per second, and the CPU time of each process in µs per object."""
    world = World(objects, 4096)
    with world.cleanup:
        if with_emulator:
            port = free_port()
            java = {"PATH": os.environ["PATH"], "HOME": str(world.folder), "JAVA_OPTS": "-Xmx1g"}
            world.start("emulator", [with_emulator, "--host=127.0.0.1", f"--port={port}"], java)
            wait_until("the emulator answers", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
            world.environment["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{port}"
        publisher = world.role("publisher", "publisher")
        began = world.await_event(publisher, "scan.began")
        ended = world.await_event(publisher, "scan.ended")
        assert ended["published"] == objects, ended
        cpu = {name: world.cpu_seconds(name) / objects * 1e6 for name in world.pids}
        return objects / (seconds_of(ended) - seconds_of(began)), cpu


def median(what, samples, unit="objects/s"):
    middle = statistics.median(samples)
    print(f"  {what:52} {middle:10,.0f} {unit}  [{min(samples):,.0f}–{max(samples):,.0f}]", flush=True)
    return middle


def report_publisher(what, runs, objects, broker=None):
    samples = [publish(objects, broker) for _ in range(runs)]
    median(what, [rate for rate, _ in samples])
    for name in samples[0][1]:
        median(f"  CPU of {name}", [cpu[name] for _, cpu in samples], "µs per object")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of each (default: 3)")
    parser.add_argument("--transfers", type=int, default=16, help="at once, per migrator (default: 16)")
    parser.add_argument("--latency", type=int, default=20, help="ms at both clouds, for scaling (default: 20)")
    parser.add_argument("--only", choices=["scaling", "publisher"])
    options = parser.parse_args()
    for needed in (BIN / "bucketferry", BIN / "bucketferry-sandbox"):
        if not needed.exists():
            sys.exit(f"{needed} is missing: run `make build` first")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; {options.runs} runs, medians [min–max]")
    if options.only != "publisher":
        print(f"\nmigrators with {options.transfers} transfers each, {options.latency} ms at both clouds, 1 KiB objects")
        one, four = [], []
        for _ in range(options.runs):
            one.append(migrate(1, options.transfers, 4_000, options.latency))
            four.append(migrate(4, options.transfers, 12_000, options.latency))
        ratio = median("four", four) / median("one", one)
        print(f"  four are {ratio:.2f} times as fast as one (goal: 3.5)")
    if options.only != "scaling":
        print("\npublisher: lists both sides, compares, publishes, marks")
        report_publisher("200,000 objects, the sandbox's broker (goal: 20,000)", options.runs, 200_000)
        program = emulator()
        if program:
            report_publisher("20,000 objects, Google's emulator", options.runs, 20_000, program)
    print("\nbench-service: done")


if __name__ == "__main__":
    main()
