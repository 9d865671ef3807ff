"""P10: requests per object, as the servers count them, beside what design and `plan` say."""

import tools
from harness import GIB, MIB, PROGRAM, SANDBOX, CannotMeasureError, Report, World, need

PAGE = 1000


def _planned(world, source, target):
    said = tools.summary_of(tools.bucketferry(world, source, target, "--json", command="plan").output)
    return sum(sum(of.values()) for of in said["copy_requests"].values())


def _copied(world, source, target):
    """@return requests to the source and to the target; what the program says of itself must be the same."""
    world.reset_counters()
    said = tools.summary_of(tools.bucketferry(world, source, target, "--json", "--progress", "none").output)["requests"]
    seen = {"source": world.requests("s3"), "target": world.requests("gcs")}
    if said != seen:
        raise CannotMeasureError(f"the summary says {said}, the servers counted {seen}")
    return seen


def p10(bench):
    need(PROGRAM, SANDBOX)
    count, size = bench.scaled(10_000, at_least=PAGE), bench.scaled(GIB, at_least=64 * MIB)
    pages = -(-count // PAGE)
    report = Report("P10", f"requests, as the servers counted them: {count:,} small objects, and one of {size // MIB} MiB")
    with World("--synthetic", f"small:{count}:4096", "--synthetic", f"large:1:{size}") as world:
        small_bucket, large_bucket = world.new_bucket(), world.new_bucket()
        plans = {"small": _planned(world, "small", small_bucket), "large": _planned(world, "large", large_bucket)}
        copy = _copied(world, "small", small_bucket)
        gets, uploads = world.requests("s3", "GetObject"), world.requests("gcs", "InsertMultipart")
        rescan = _copied(world, "small", small_bucket)
        large = _copied(world, "large", large_bucket)
    for what, seen in {"a copy": copy, "a rescan": rescan, "the large object": large}.items():
        for side, requests in seen.items():
            report.figure(f"{what}: requests to the {side}", [requests], "")
    report.goal("GETs and uploads per small object", (gets + uploads) / count, 2)
    report.goal("a copy: requests × what plan said", sum(copy.values()) / plans["small"], 1.01)
    report.goal("the large object: requests × what plan said", sum(large.values()) / plans["large"], 1.01)
    report.goal("a rescan: requests × the minimum", sum(rescan.values()) / (2 * pages), 1.3)
    report.remark("the program's own summaries agree with the servers' counters")
    return report
