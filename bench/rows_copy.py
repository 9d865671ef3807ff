"""P1 to P3: what moving bytes and objects costs, beside the bare relay and rclone in the same run."""

import tools
from harness import GIB, KIB, LIMIT, MIB, PROGRAM, SANDBOX, Report, World, alternate, need


def _costs(report, samples, unit, units_of, factor):
    """CPU, wall and memory per contender. @return the CPU medians by name."""
    medians = {}
    for name, runs in samples.items():
        medians[name] = report.figure(f"{name}: CPU", [run.cpu_s / units_of(name) * factor for run in runs], unit)
        report.figure(f"{name}: wall", [run.wall_s for run in runs], "s")
        report.figure(f"{name}: peak memory", [run.peak_mib for run in runs], "MiB")
        report.figure(f"{name}: CPU of the servers", [run.servers_cpu_s / units_of(name) * factor for run in runs], unit)
    return medians


RCLONE = {"rclone, GCS backend": tools.rclone_gcs, "rclone, S3-style API": tools.rclone_s3}


def _large(bench, row, how, tls):
    """@return the report so far, and the CPU medians."""
    objects, size = 4, bench.scaled(256 * MIB, at_least=MIB)
    report = Report(row, f"large objects, {how}: {objects} × {size // MIB} MiB")
    need(PROGRAM, SANDBOX, LIMIT, "rclone")
    with World("--synthetic", f"large:{objects}:{size}", "--public", "large", tls=tls) as world:
        ours = {
            "bucketferry": lambda: tools.bucketferry(world, "large", world.new_bucket(), "--quiet"),
            "bare relay": lambda: tools.limit(world, "large", world.new_bucket(), objects, objects),
        }
        theirs = {name: lambda go=go: go(world, "large", world.new_bucket()) for name, go in RCLONE.items()}
        samples = alternate(bench.runs, ours | theirs)
    return report, _costs(report, samples, "CPU s per GiB", lambda name: objects * size / GIB, 1)


def p1(bench):
    report, cpu = _large(bench, "P1", "HTTP", tls=False)
    report.goal("× the bare relay", cpu["bucketferry"] / cpu["bare relay"], 1.25)
    report.goal("× rclone's GCS backend", cpu["bucketferry"] / cpu["rclone, GCS backend"], 0.6)
    return report


def p2(bench):
    report, cpu = _large(bench, "P2", "TLS 1.3 on both sides", tls=True)
    report.goal("× the bare TLS relay", cpu["bucketferry"] / cpu["bare relay"], 1.15)
    report.remark(f"× rclone's GCS backend: {cpu['bucketferry'] / cpu['rclone, GCS backend']:.2f}")
    return report


def p3(bench):
    count = bench.scaled(20_000, at_least=100)
    fewer = bench.scaled(5_000, at_least=100)
    objects = {"rclone, GCS backend": fewer}
    report = Report("P3", f"{count:,} objects of 4 KiB, HTTP, copy from end to end")
    need(PROGRAM, SANDBOX, LIMIT, "rclone")
    with World("--synthetic", f"small:{count}:{4 * KIB}", "--synthetic", f"fewer:{fewer}:{4 * KIB}", "--public", "small") as world:
        samples = alternate(bench.runs, {
            "bucketferry": lambda: tools.bucketferry(world, "small", world.new_bucket(), "--quiet"),
            "two requests alone": lambda: tools.limit(world, "small", world.new_bucket(), count, 2),
            "rclone, S3-style API": lambda: tools.rclone_s3(world, "small", world.new_bucket()),
            "rclone, GCS backend": lambda: tools.rclone_gcs(world, "fewer", world.new_bucket()),
        })
    cpu = _costs(report, samples, "CPU µs per object", lambda name: objects.get(name, count), 1e6)
    report.goal("CPU µs per object", cpu["bucketferry"], 50)
    report.goal("rclone's best path costs × as much", cpu["rclone, S3-style API"] / cpu["bucketferry"], 10, at_most=False)
    report.goal("rclone's GCS backend costs × as much", cpu["rclone, GCS backend"] / cpu["bucketferry"], 50, at_most=False)
    report.remark(f"× the two requests alone: {cpu['bucketferry'] / cpu['two requests alone']:.2f}")
    report.remark(f"rclone's GCS backend had {fewer:,} objects: it takes that long")
    return report
