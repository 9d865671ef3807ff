"""P10: requests per object, as the servers count them, beside what design and `plan` say."""

import tools
from harness import GIB, MIB, PROGRAM, SANDBOX, CannotMeasureError, Report, World, need

PAGE = 1000


def pages(count):
    return -(-count // PAGE)


def p10(bench):
    need(PROGRAM, SANDBOX)
    count, size = bench.scaled(10_000, at_least=1000), bench.scaled(GIB, at_least=64 * MIB)
    report = Report("P10", f"requests, as the servers counted them: {count:,} small objects, and one of {size // MIB} MiB")
    with World("--synthetic", f"small:{count}:4096", "--synthetic", f"large:1:{size}") as world:
        target = world.new_bucket()
        said = tools.summary_of(tools.bucketferry(world, "small", target, "--json", command="plan").output)
        planned = {side: sum(of.values()) for side, of in said["copy_requests"].items()}

        def counted(source, into):
            world.reset_counters()
            summary = tools.summary_of(tools.bucketferry(world, source, into, "--json", "--progress", "none").output)
            seen = {"source": world.requests("s3"), "target": world.requests("gcs")}
            if summary["requests"] != seen:
                raise CannotMeasureError(f"the summary says {summary['requests']}, the servers counted {seen}")
            return seen, world.requests("s3", "GetObject"), world.requests("gcs", "InsertMultipart")

        copy, gets, uploads = counted("small", target)
        rescan, _, _ = counted("small", target)
        large, _, _ = counted("large", world.new_bucket())
    return _judge(report, count, planned, (copy, gets, uploads), rescan, large)


def _judge(report, count, planned, copied, rescan, large):
    copy, gets, uploads = copied
    listing = pages(count)
    report.figure("GETs per object", [gets / count], "")
    report.figure("uploads per object", [uploads / count], "")
    for side in ("source", "target"):
        report.figure(f"a copy, {side}: requests beyond one per object", [copy[side] - count], "")
        report.figure(f"a rescan, {side}", [rescan[side]], "requests")
        report.figure(f"the large object, {side}", [large[side]], "requests")
    report.goal("GETs and uploads per object", (gets + uploads) / count, 2)
    report.goal("requests of a copy × what plan said", sum(copy.values()) / sum(planned.values()), 1.01)
    report.goal("requests of a rescan × the minimum", (rescan["source"] + rescan["target"]) / (2 * listing), 1.3)
    report.remark("the program's own summaries agree with the servers' counters")
    return report
