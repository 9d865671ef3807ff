"""P5 to P8: a rescan of a large bucket, and what waiting costs: many transfers, a long listing, one large object."""

import pathlib
import resource
import subprocess
import threading
import time

import tools
from harness import GIB, KIB, MIB, PROGRAM, SANDBOX, CannotMeasureError, Report, World, alternate, need


def _need_option(option, command="copy"):
    page = subprocess.run([str(PROGRAM), command, "--help"], capture_output=True, text=True, check=True).stdout
    if f"--{option} " not in page:
        raise CannotMeasureError(f"this program has no --{option}: there is nothing to compare with one stream")


def _summary(sample):
    return tools.summary_of(sample.output)


def _rescan(bench, report, count, rclone):
    """Rescans of a bucket that was copied before; nothing of it is to be copied again."""
    name = f"{count:,} objects"
    with World("--synthetic", f"unchanged:{count}:10", "--events-kept", 1) as world:
        target = world.new_bucket()
        tools.bucketferry(world, "unchanged", target, "--quiet")
        contenders = {"bucketferry": lambda: tools.bucketferry(world, "unchanged", target, "--json", "--progress", "none")}
        if rclone:
            contenders["rclone"] = lambda: tools.rclone_gcs(world, "unchanged", target, "--size-only")
        samples = alternate(bench.runs if count <= 1_000_000 else 1, contenders)
    for run in samples["bucketferry"]:
        if (unchanged := _summary(run)["unchanged"]) != count:
            raise CannotMeasureError(f"of {count} objects {unchanged} were unchanged: this was no rescan")
    medians = {}
    for who, runs in samples.items():
        medians[who] = (report.figure(f"{name}, {who}: CPU", [run.cpu_s / count * 1e6 for run in runs], "µs per object"),
                        report.figure(f"{name}, {who}: peak memory", [run.peak_mib for run in runs], "MiB"))
        report.figure(f"{name}, {who}: wall", [run.wall_s for run in runs], "s")
    return medians["bucketferry"]


def p5(bench):
    need(PROGRAM, SANDBOX, "rclone")
    report = Report("P5", "rescan of unchanged objects")
    few, some, many = 10_000, bench.scaled(100_000, at_least=15_000), bench.scaled(1_000_000, at_least=20_000)
    _, memory_of_few = _rescan(bench, report, few, rclone=False)
    _rescan(bench, report, some, rclone=True)
    cpu, memory = _rescan(bench, report, many, rclone=False)
    report.goal(f"CPU µs per object of {many:,}", cpu, 4)
    report.goal(f"peak memory at {many:,}, MiB", memory, 64)
    report.goal(f"memory at {many:,} × that at {few:,}", memory / memory_of_few, 1.25)
    report.remark("rclone compares sizes only (--size-only --fast-list --checkers 64), what costs it least")
    if not bench.long:
        report.remark("ten million: with --long")
        return report
    most = bench.scaled(10_000_000, at_least=40_000)
    if available_gib() < (needed := most * 1.6 * KIB / GIB):
        raise CannotMeasureError(f"{most:,} objects at the target take {needed:.0f} GiB of the sandbox's memory")
    cpu, memory = _rescan(bench, report, most, rclone=False)
    report.goal(f"CPU µs per object of {most:,}", cpu, 4)
    report.goal(f"memory at {most:,} × that at {few:,}", memory / memory_of_few, 1.25)
    return report


def available_gib():
    line = next(line for line in pathlib.Path("/proc/meminfo").read_text().split("\n") if line.startswith("MemAvailable"))
    return int(line.split()[1]) * KIB / GIB


class Pace:
    """Watches how many objects are at the target while a copy runs."""

    def __init__(self, world, operation):
        self.world, self.operation = world, operation
        self.seen = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *failure):
        self.over.set()
        self.thread.join()

    def _watch(self):
        while not self.over.wait(0.05):
            self.seen.append((time.monotonic(), self.world.requests("gcs", self.operation)))

    def rate(self, total):
        """Objects per second between a fifth and four fifths of them."""
        middle = [(when, count) for when, count in self.seen if total / 5 <= count <= total * 4 / 5]
        if len(middle) < 2 or middle[0] == middle[-1]:
            raise CannotMeasureError("it was over before anybody could look: take more objects")
        (begin, first), (end, last) = middle[0], middle[-1]
        return (last - first) / (end - begin)


def p6(bench):
    need(PROGRAM, SANDBOX)
    if (files := resource.getrlimit(resource.RLIMIT_NOFILE)[1]) < 5000:
        raise CannotMeasureError(f"2,000 transfers have 4,000 connections, and {files} files are allowed: raise `ulimit -Hn`")
    transfers, count, latency_ms = 2000, bench.scaled(60_000, at_least=10_000), 100
    ideal = transfers / (2 * latency_ms / 1e3)
    report = Report("P6", f"{transfers:,} transfers at once, {latency_ms} ms per request, objects of 64 KiB")
    rates, peaks, alone, busy = [], [], [], []
    with World("--synthetic", f"far:{count}:{64 * KIB}", "--synthetic", f"one:{64}:{64 * KIB}") as world:
        world.fault(service="s3", op="GetObject", action={"delay_ms": latency_ms})
        world.fault(service="gcs", op="InsertMultipart", action={"delay_ms": latency_ms})
        for _ in range(bench.runs):
            world.reset_counters()
            with Pace(world, "InsertMultipart") as pace:
                run = tools.bucketferry(world, "far", world.new_bucket(), "--quiet", "--transfers", transfers)
            rates.append(pace.rate(count))
            peaks.append(run.peak_mib)
            busy.append((run.cpu_s + run.servers_cpu_s) / run.wall_s)
            alone.append(tools.bucketferry(world, "one", world.new_bucket(), "--quiet", "--transfers", 1).peak_mib)
    rate = report.figure("objects per second, of the middle of a run", rates, "")
    report.figure("CPUs kept busy, ours and the servers'", busy, "")
    report.figure("peak memory", peaks, "MiB")
    report.figure("peak memory of one transfer at a time", alone, "MiB")
    each = report.figure("memory per transfer", [(peak - one) * KIB / transfers for peak, one in zip(peaks, alone)], "KiB")
    report.goal(f"part of {ideal:,.0f} objects per second", rate / ideal, 0.8, at_most=False)
    report.goal("KiB per transfer", each, 160)
    report.remark("GET and upload wait, listing pages don't: this is about transfers. Where all cores are busy, they are the limit")
    return report


def p7(bench):
    need(PROGRAM, SANDBOX)
    _need_option("listers")
    count, wait, page = bench.scaled(1_000_000, at_least=20_000), 50, 1000
    report = Report("P7", f"listing of one flat prefix of {count:,} keys, {wait} ms per page")
    requests = {"serial": [], "parallel": []}

    def listing(how, *options):
        world.reset_counters()
        run = tools.bucketferry(world, "flat", target, "--dry-run", "--json", "--progress", "none", *options)
        if (listed := _summary(run)["listed"]) != count:
            raise CannotMeasureError(f"{how}: {listed} keys listed instead of {count}")
        requests[how].append(world.requests("s3"))
        return run

    with World("--synthetic", f"flat:{count}:10") as world:
        target = world.new_bucket()
        world.fault(service="s3", op="ListObjectsV2", action={"delay_ms": wait})
        samples = alternate(bench.runs, {"serial": lambda: listing("serial", "--listers", 1), "parallel": lambda: listing("parallel")})
    walls = {how: report.figure(f"{how}: wall", [run.wall_s for run in runs], "s") for how, runs in samples.items()}
    for how, runs in samples.items():
        report.figure(f"{how}: CPU", [run.cpu_s / count * 1e6 for run in runs], "µs per key")
        report.figure(f"{how}: requests", requests[how], "")
    report.goal("parallel, × serial", walls["serial"] / walls["parallel"], 8, at_most=False)
    report.goal("requests × the minimum", report.figures["parallel: requests"].median / -(-count // page), 1.3)
    report.remark("the key set is compared by its number here, key by key in the tests of src/publish")
    return report


def p8(bench):
    need(PROGRAM, SANDBOX)
    _need_option("parallel-parts")
    size, rate = bench.scaled(4 * GIB, at_least=256 * MIB), 64 * MIB
    report = Report("P8", f"one object of {size / GIB:.2f} GiB, each connection held to {rate // MIB} MiB/s")
    left = []

    def copy(*options):
        target = world.new_bucket()
        run = tools.bucketferry(world, "huge", target, "--quiet", *options)
        names = [item["name"] for item in world.call(f"/storage/v1/b/{target}/o", server="gcs").get("items", [])]
        left.append(len(names) - 1)
        return run

    with World("--synthetic", f"huge:1:{size}", "--rate", rate) as world:
        samples = alternate(bench.runs, {"one stream": lambda: copy("--parallel-parts", 1), "parts": lambda: copy()})
    walls = {how: report.figure(f"{how}: wall", [run.wall_s for run in runs], "s") for how, runs in samples.items()}
    for how, runs in samples.items():
        report.figure(f"{how}: CPU", [run.cpu_s / (size / GIB) for run in runs], "s per GiB")
        report.figure(f"{how}: peak memory", [run.peak_mib for run in runs], "MiB")
        report.figure(f"{how}: CPUs kept busy, ours and the servers'", [(run.cpu_s + run.servers_cpu_s) / run.wall_s for run in runs], "")
    report.goal("parts, × one stream", walls["one stream"] / walls["parts"], 8, at_most=False)
    report.goal("objects left behind", max(left), 0)
    return report
