"""P4 and P9: publisher and migrators over the sandbox's broker and a real Redis. Their CPU counts, that of the servers doesn't."""

import contextlib
import datetime
import json
import os
import re
import socket
import time

import tools
from harness import KIB, MIB, PROGRAM, SANDBOX, CannotMeasureError, Report, World, free_port, need, wait_until

SOURCE, TARGET = "bench-source", "bench-target"


@contextlib.contextmanager
def service(objects, size, *options):
    """A world with broker and Redis, and role(name, role, option…), which starts one of the service's processes in it."""
    need(PROGRAM, SANDBOX, "redis-server")
    with World("--pubsub", "0", "--synthetic", f"{SOURCE}:{objects}:{size}", "--buckets-gcs", TARGET, *options) as world:
        port = free_port()
        world.start("redis", ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", world.folder])
        wait_until("Redis answers", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        environment = tools.cloud_environment(world) | {
            "PATH": os.environ["PATH"],
            "PUBSUB_EMULATOR_HOST": world.ready["pubsub"],
            "REDIS_ADDRESS": f"127.0.0.1:{port}",
            "SYSTEM_ADMIN_USERNAME": "operator",
            "SYSTEM_ADMIN_PASSWORD": "a-bench-has-no-secrets",
        }

        def role(name, what, *more):
            command = [PROGRAM, what, f"s3://{SOURCE}", f"gs://{TARGET}", "--listen", "127.0.0.1:0", *more]
            process = world.start(name, command, environment)
            wait_until(f"{name} is ready", lambda: process.poll() is not None or f'"event":"{what}.ready"' in world.said(name))
            if process.poll() is not None:
                raise CannotMeasureError(f"{name} ended at its start:\n{world.said(name)[-2000:]}")

        world.redis_port = port
        yield world, role


def redis_memory(world):
    """Bytes that Redis uses."""
    with socket.create_connection(("127.0.0.1", world.redis_port)) as redis:
        redis.sendall(b"INFO memory\r\n")
        text = b""
        while not (found := re.search(rb"used_memory:(\d+)\r\n", text)):
            text += redis.recv(4096)
    return int(found[1])


def committed(world):
    return world.requests("gcs", "InsertMultipart")


def settled(world):
    """Nothing waits at the broker, and nothing is on loan."""
    held = world.call("/_sandbox/pubsub")
    return all(one["waiting"] + one["delayed"] + one["on_loan"] == 0 for one in held)


def p4(bench):
    count = bench.scaled(50_000, at_least=1000)
    report = Report("P4", f"{count:,} objects of 4 KiB through publisher and one migrator")
    cpu = {"publisher": [], "migrator": [], "both": []}
    peaks = {"publisher": [], "migrator": []}
    walls, remembered = [], []
    for _ in range(bench.runs):
        with service(count, 4 * KIB) as (world, role):
            empty = redis_memory(world)
            role("migrator", "migrator")
            begin = time.monotonic()
            role("publisher", "publisher")
            wait_until("all objects are at the target", lambda w=world: committed(w) >= count, 0.1)
            walls.append(time.monotonic() - begin)
            wait_until("all messages are acknowledged", lambda w=world: settled(w), 0.1)
            remembered.append((redis_memory(world) - empty) / count)
            for name in peaks:
                seconds, peak = world.finish(name)
                cpu[name].append(seconds)
                peaks[name].append(peak)
            cpu["both"].append(cpu["publisher"][-1] + cpu["migrator"][-1])
    for name, seconds in cpu.items():
        report.figure(f"{name}: CPU", [value / count * 1e6 for value in seconds], "µs per object")
    for name, peak in peaks.items():
        report.figure(f"{name}: peak memory", peak, "MiB")
    report.figure("wall", walls, "s")
    report.figure("Redis, keys with them", remembered, "bytes per object")
    report.goal("CPU µs per object, both together", report.figures["both: CPU"].median, 80)
    report.remark("from the processes' start to their end, start-up with it")
    return report


def publisher(bench):
    """Nobody consumes: this is what the publisher alone can do."""
    count = bench.scaled(200_000, at_least=1000)
    report = Report("publisher", f"{count:,} objects listed on both sides, compared, published, marked")
    rates, cpu = [], []
    for _ in range(bench.runs):
        with service(count, 4 * KIB) as (world, role):
            role("publisher", "publisher")
            wait_until("the scan is over", lambda w=world: '"event":"scan.ended"' in w.said("publisher"))
            events = [json.loads(line) for line in world.said("publisher").split("\n") if line.startswith("{")]
            began, ended = (next(event for event in events if event["event"] == f"scan.{what}") for what in ("began", "ended"))
            if ended["published"] != count:
                raise CannotMeasureError(f"published {ended['published']} of {count}")
            rates.append(count / (seconds_of(ended) - seconds_of(began)))
            cpu.append(world.finish("publisher")[0] / count * 1e6)
    report.figure("rate", rates, "objects/s")
    report.figure("CPU", cpu, "µs per object")
    return report


def seconds_of(event):
    return datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00")).timestamp()


def _objects_per_second(migrators, count, size, rate):
    with service(count, size, "--rate", rate) as (world, role):
        for i in range(migrators):
            role(f"migrator_{i}", "migrator", "--transfers", 16)
        role("publisher", "publisher")
        wait_until("a tenth is at the target", lambda: committed(world) >= count / 10)
        begin, first = time.monotonic(), committed(world)
        wait_until("nearly all are at the target", lambda: committed(world) >= count * 9 / 10)
        return (committed(world) - first) / (time.monotonic() - begin)


def p9(bench):
    # At this rate an object takes a connection 1/16 s on its way in and as long on its way out: 16 transfers carry some 128 objects
    # per second, and four times as many are still far from what two cores carry.
    size, rate = 64 * KIB, MIB
    one_has, four_have = bench.scaled(3000, at_least=600), bench.scaled(12_000, at_least=2400)
    report = Report("P9", "one migrator and four, 16 transfers each, each connection held to 1 MiB/s, objects of 64 KiB")
    one, four = [], []
    for _ in range(bench.runs):
        one.append(_objects_per_second(1, one_has, size, rate))
        four.append(_objects_per_second(4, four_have, size, rate))
    alone, together = report.figure("one", one, "objects/s"), report.figure("four", four, "objects/s")
    report.goal("four, × one", together / alone, 3.8, at_most=False)
    return report
