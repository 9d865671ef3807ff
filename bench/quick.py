#!/usr/bin/env python3
"""Counts the instructions of the release program on small fixed workloads (callgrind) and compares them with the recorded ones.

Instructions, not time: they hardly depend on what else the machine does. Each figure is the slope between two sizes of a
workload, so that what starting costs drops out. Instructions of the kernel aren't seen. Fails if a figure differs from the record
by more than 5 %, either way: what became cheaper is to be recorded, so that it stays so.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

import tools
from harness import CannotMeasureError, KIB, MIB, PROGRAM, ROOT, SANDBOX, World, need

RECORD = ROOT / "bench" / "results" / "instructions.json"
TOLERANCE = 0.05
# One thread and few transfers: then the same things happen in nearly the same order each time. What libraries would choose by
# the CPU is pinned to what each x86-64 has, where they can be told; callgrind itself emulates no AVX-512.
ONE_AFTER_ANOTHER = ["--threads", "1", "--transfers", "4", "--quiet"]
PINNED = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX_Fast_Unaligned_Load,-BMI2,-LZCNT,-MOVBE,-ERMS,-FSRM",
          "OPENSSL_ia32cap": ":~0xffffffffffffffff"}


def instructions(world, source, target):
    """Of one copy from its start to its end."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", PROGRAM, "copy", f"s3://{source}", f"gs://{target}",
               "--state", world.folder / f"{target}.sqlite", *ONE_AFTER_ANOTHER]
    environment = {"PATH": os.environ["PATH"], **tools.cloud_environment(world), **PINNED}
    ended = subprocess.run([str(word) for word in command], env=environment, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", ended.stderr)
    if ended.returncode != 0 or not counted:
        raise CannotMeasureError(f"callgrind ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    return int(counted[1])


def slope(low, high):
    (small, few), (large, many) = low, high
    return (many - few) / (large - small)


def measure():
    """@return instructions per unit of each workload."""
    need(PROGRAM, SANDBOX, "valgrind")
    objects, megabytes, unchanged = (100, 600), (4, 36), (1000, 5000)
    synthetic = [f"objects-{count}:{count}:{4 * KIB}" for count in objects]
    synthetic += [f"large-{size}:1:{size * MIB}" for size in megabytes]
    synthetic += [f"same-{count}:{count}:10" for count in unchanged]
    with World(*(word for bucket in synthetic for word in ("--synthetic", bucket))) as world:
        copied = [(count, instructions(world, f"objects-{count}", world.new_bucket())) for count in objects]
        relayed = [(size, instructions(world, f"large-{size}", world.new_bucket())) for size in megabytes]
        rescanned = []
        for count in unchanged:
            target = world.new_bucket()
            tools.bucketferry(world, f"same-{count}", target, "--quiet")
            rescanned.append((count, instructions(world, f"same-{count}", target)))
    return {"copy, per object of 4 KiB": slope(*copied), "copy, per MiB": slope(*relayed), "rescan, per object": slope(*rescanned)}


def environment():
    """What else the counts depend on."""
    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]

    return {"valgrind": first_line("valgrind", "--version"), "compiler": first_line("clang++-19", "--version"),
            "libc": first_line("ldd", "--version").split()[-1], "openssl": first_line("openssl", "version").split()[1]}


def compare(counted, recorded):
    """Prints each figure. @return whether all are within the tolerance."""
    good = True
    for what, count in counted.items():
        ratio = count / recorded[what]
        verdict = "" if abs(ratio - 1) <= TOLERANCE else "  DEARER" if ratio > 1 else "  CHEAPER: record it"
        good = good and not verdict
        print(f"  {what:28} {count:12,.0f} instructions, recorded {recorded[what]:12,.0f}: × {ratio:.3f}{verdict}")
    return good


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-quick", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="write what is counted (median of three) to bench/results/instructions.json")
    options = parser.parse_args()
    here = environment()
    if options.record:
        rounds = [measure() for _ in range(3)]
        figures = {what: round(statistics.median(one[what] for one in rounds)) for what in rounds[0]}
        spread = max(max(one[what] for one in rounds) / min(one[what] for one in rounds) - 1 for what in figures)
        RECORD.parent.mkdir(parents=True, exist_ok=True)
        RECORD.write_text(json.dumps({"instructions": figures, "environment": here}, indent=1) + "\n")
        print(f"bench-quick: recorded {figures}, three rounds within {spread:.1%}")
        return
    record = json.loads(pathlib.Path(RECORD).read_text())
    for what, was in record["environment"].items():
        if here[what] != was:
            print(f"  note: recorded with {what} {was}, here it is {here[what]}")
    good = compare(measure(), record["instructions"])
    print("bench-quick: " + ("as recorded" if good else "differs by more than 5 %; if that is meant: scripts/bench-quick --record"))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    try:
        main()
    except CannotMeasureError as why:
        sys.exit(f"bench-quick: {why}")
