"""What the servers of the bench can carry, asked by a client that costs next to nothing: so one sees that it is not they who
are measured in the other rows."""

import json

import tools
from harness import GIB, KIB, LIMIT, MIB, SANDBOX, Report, World, need


def measure(bench):
    need(SANDBOX, LIMIT)
    count, size = bench.scaled(50_000, at_least=100), bench.scaled(512 * MIB, at_least=MIB)
    report = Report("sandbox", "the servers alone, both clouds in one process of two threads, with the bare relay as their client")
    with World("--synthetic", f"small:{count}:{4 * KIB}", "--synthetic", f"large:4:{size}", "--public", "small,large") as world:
        small = [tools.limit(world, "small", world.new_bucket(), count, 16) for _ in range(bench.runs)]
        large = [tools.limit(world, "large", world.new_bucket(), 4, 4) for _ in range(bench.runs)]
    report.figure("requests of 4 KiB", [2 * count / run.wall_s for run in small], "per second")
    report.figure("their CPU", [run.servers_cpu_s / (2 * count) * 1e6 for run in small], "µs per request")
    report.figure("bytes, in and out together", [8 * size / GIB / run.wall_s for run in large], "GiB per second")
    report.figure("their CPU, a GiB out and in", [run.servers_cpu_s / (4 * size / GIB) for run in large], "s")
    report.figure("the bare relay's, two requests of 4 KiB", [json.loads(run.output)["cpu_us_per_object"] for run in small], "µs")
    report.figure("the bare relay's, a GiB", [json.loads(run.output)["cpu_s_per_gib"] for run in large], "s")
    return report
