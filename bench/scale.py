#!/usr/bin/env python3
"""Carries what was measured to 10⁹ objects and 1 PiB: docs/scale.md is what this prints.

  scripts/scale          writes docs/scale.md from bench/results/constants.json and the program's price table
  scripts/scale --take   takes the constants from the newest full-size figures of bench/results/HISTORY first
  scripts/scale --check  fails if docs/scale.md is anything else
"""

import argparse
import dataclasses
import json
import math
import pathlib
import re
import subprocess
import sys

import history
from harness import GIB, PROGRAM, ROOT

CONSTANTS = ROOT / "bench" / "results" / "constants.json"
PAGE = ROOT / "docs" / "scale.md"
DAY, HOUR = 86400, 3600
PIB = 1 << 50

OBJECTS, BYTES, REPLICAS = 10**9, PIB, (1, 4, 16, 64, 256)

# Name here: row and figure of the bench.
TAKEN = {
    "publisher_us": ("P4", "publisher: CPU"),
    "migrator_us": ("P4", "migrator: CPU"),
    "redis_bytes": ("P4", "Redis, keys with them"),
    "tls_s_per_gib": ("P2", "bucketferry: CPU"),
    "rescan_us": ("P5", "1,000,000 objects, bucketferry: CPU"),
    "publisher_mib": ("P4", "publisher: peak memory"),
    "transfer_kib": ("P6", "memory per transfer"),
}
SAID = {
    "publisher_us": "publisher: CPU µs per new object",
    "migrator_us": "migrator: CPU µs per object of 4 KiB, HTTP",
    "redis_bytes": "Redis: bytes per object, its key included",
    "tls_s_per_gib": "a GiB over TLS on both sides: CPU s",
    "rescan_us": "rescan: CPU µs per unchanged object",
    "publisher_mib": "publisher: peak memory, MiB",
    "transfer_kib": "a transfer under way: memory, KiB",
}


@dataclasses.dataclass(frozen=True)
class Assumed:
    """What this machine can't measure. Change it here; the page says it."""

    cores: int = 2  # of a replica
    use: float = 0.7  # of its cores, on the average
    line_gbit: float = 10  # of a replica, each way
    transfers: int = 128  # of a migrator at once, the default
    latency_s: float = 0.15  # of GET and upload of a small object together
    connection_mib: float = 50  # per second
    page_s: float = 0.1  # one listing page of 1,000 keys
    parallel_listing: int = 8  # as fast as serial: goal P7
    s3_gets: int = 5500  # per second and prefix, as S3 documents
    gcs_writes: int = 1000  # per second of a new bucket; doubles every 20 minutes, as GCS documents
    redis_gib: int = 64  # of one node; a job lies on one
    scan_every_s: int = 600  # the publisher's default


def take():
    """Constants from the newest run of the bench that has each, at full size."""
    runs = [json.loads(line) for line in history.HISTORY.read_text().split("\n") if line]
    taken = {}
    for name, (row, figure) in TAKEN.items():
        found = next((({"value": result["figures"][figure]["median"], "commit": run["commit"], "date": run["date"][:10]}, run)
                      for run in reversed(runs) if run["scale"] == 1
                      for result in run["rows"] if result["row"] == row and figure in result.get("figures", {})), None)
        if not found:
            sys.exit(f"scale: no full-size run of {row} in {history.HISTORY} has '{figure}': run `scripts/bench --row {row}`")
        taken[name], run = found
        taken[name]["machine"] = f"{run['machine']['cpu']}, {run['machine']['cores']} cores"
        taken[name]["load"] = round(run["machine"]["load"], 1)
    CONSTANTS.write_text(json.dumps(taken, indent=1, ensure_ascii=False) + "\n")


class Prices:
    """The program's own table: the lines of its YAML that are needed here."""

    def __init__(self):
        text = subprocess.run([str(PROGRAM), "plan", "--print-prices"], capture_output=True, text=True, check=True).stdout
        self.as_of = re.search(r"^as_of: (\S+)", text, re.M)[1]
        s3, gcs = text.split("\ngcs:\n")
        self.s3_list = float(re.search(r"list_per_1000: (\S+)", s3)[1])
        self.gcs_list = float(re.search(r"list_per_1000: (\S+)", gcs)[1])
        self.s3_read = float(re.search(r"read_per_1000:.*?other: (\S+)", s3, re.S)[1])
        self.gcs_upload = float(re.search(r"upload_per_1000:.*?STANDARD: (\S+)", gcs, re.S)[1])
        steps = re.findall(r"\{(?:up_to_gib: (\d+), )?price: (\S+)\}", s3)
        self.egress_steps = [(float(up_to) if up_to else math.inf, float(price)) for up_to, price in steps]

    def egress(self, gib):
        cost, below = 0.0, 0.0
        for up_to, price in self.egress_steps:
            cost += max(0.0, min(gib, up_to) - below) * price
            below = up_to
        return cost


class Model:
    """Rates in objects per second, for objects of the average size."""

    def __init__(self, measured, assumed):
        self.m, self.a = measured, assumed
        self.size = BYTES / OBJECTS
        self.pages = math.ceil(OBJECTS / 1000)

    @property
    def migrator_cpu_s(self):
        """Of one object: what each costs, and what its bytes cost over TLS."""
        return self.m["migrator_us"] / 1e6 + self.size / GIB * self.m["tls_s_per_gib"]

    def rates(self, replicas):
        """What each limit allows this many migrators, by what limits."""
        a = self.a
        seconds = a.latency_s + 2 * self.size / (a.connection_mib * 2**20)
        return {
            "CPU of the migrators": replicas * a.cores * a.use / self.migrator_cpu_s,
            "their lines": replicas * a.line_gbit * 1e9 / 8 / self.size,
            "waiting (transfers at once)": replicas * a.transfers / seconds,
            "S3's GETs per prefix": a.s3_gets,
            "CPU of the publisher": a.cores * a.use / (self.m["publisher_us"] / 1e6),
        }

    def ramp_days(self, rate):
        """Until all objects are written at `rate` if the bucket begins at its initial rate and doubles every 20 minutes."""
        left, now, seconds = OBJECTS, self.a.gcs_writes, 0.0
        while now < rate and left > now * 1200:
            left -= now * 1200
            seconds += 1200
            now *= 2
        return (seconds + left / min(rate, now)) / DAY

    def listing_s(self, at_once):
        """Both sides at the same time: pages one after the other in each of so many ranges, or the CPU that a rescan takes."""
        return max(self.pages * self.a.page_s / at_once, OBJECTS * self.m["rescan_us"] / 1e6 / (self.a.cores * self.a.use))

    def walls(self):
        """At how many objects of this average size each wall stands, with 16 migrators and the defaults."""
        rate = min(self.rates(16).values())
        scan = self.listing_s(self.a.parallel_listing) / OBJECTS
        walls = [
            (self.a.scan_every_s / scan, "a scan takes longer than `--scan-interval` (10 minutes)", "a longer interval; several jobs by prefix"),
            (HOUR * rate, "the backlog takes longer than `--republish-after` (1 hour): messages are published twice",
             "a longer time; a second message costs a GET and an upload that its precondition refuses"),
            (self.a.redis_gib * GIB / self.m["redis_bytes"], f"Redis needs more than a node of {self.a.redis_gib} GiB",
             "several jobs by prefix, each on a node; or a larger node"),
            (DAY * rate, "the first migration takes longer than a day", "more migrators, until S3's prefixes limit"),
            (DAY / scan, "a scan takes longer than a day", "several jobs by prefix"),
        ]
        return sorted(walls)


def amount(number):
    return f"{number:,.0f}" if number >= 100 else f"{number:,.1f}"


def hours(seconds):
    return f"{seconds / HOUR:,.1f} h" if seconds >= HOUR else f"{seconds / 60:,.0f} min"


def measured_part(constants):
    lines = ["## Measured", "", "| what | value | row of the bench | commit | date |", "|---|---|---|---|---|"]
    for name, of in constants.items():
        lines.append(f"| {SAID[name]} | {of['value']:,.4g} | {TAKEN[name][0]} | {of['commit']} | {of['date']} |")
    machines = {of["machine"] for of in constants.values()}
    busy = max(of["load"] for of in constants.values())
    return [*lines, "", f"On {'; '.join(sorted(machines))}."
            + (f" It was not idle (load up to {busy:.0f}): idle, CPU costs are lower." if busy > 0.5 else "")]


def assumed_part(a):
    return ["## Assumed", "",
            f"A replica has {a.cores} cores, {a.use:.0%} of them used, and {a.line_gbit:g} Gbit/s each way; {a.transfers} transfers at once. GET and upload of a small",
            f"object wait {a.latency_s * 1e3:g} ms together, a connection carries {a.connection_mib:g} MiB/s, a listing page takes {a.page_s * 1e3:g} ms; listing in ranges is {a.parallel_listing} times as fast. S3 gives {a.s3_gets:,} GETs",
            f"per second and prefix. A new GCS bucket takes {a.gcs_writes:,} writes per second and doubles that every 20 minutes."]


def days_part(model):
    lines = ["## Days, by migrators", "",
             "| migrators | objects/s | Gbit/s | limited by | days | CPU-hours |", "|---|---|---|---|---|---|"]
    for replicas in REPLICAS:
        rates = model.rates(replicas)
        limit = min(rates, key=rates.get)
        rate = rates[limit]
        cpu_hours = OBJECTS * (model.migrator_cpu_s + model.m["publisher_us"] / 1e6) / HOUR
        lines.append(f"| {replicas} | {amount(rate)} | {rate * model.size * 8 / 1e9:,.1f} | {limit} | {model.ramp_days(rate):,.1f} | {cpu_hours:,.0f} |")
    prefix = model.a.s3_gets
    lines += ["", f"More migrators than the last line that gets faster are idle. Objects in several prefixes get {prefix:,} GETs per second each; one job walks them",
              "in order, several jobs by prefix walk them at once. GCS's growth from its first rate is in the days."]
    return lines


def requests_part(model, prices):
    gib = BYTES / GIB
    scan = model.pages * (prices.s3_list + prices.gcs_list) / 1000
    gets, uploads, egress = OBJECTS / 1000 * prices.s3_read, OBJECTS / 1000 * prices.gcs_upload, prices.egress(gib)
    return ["## Requests, egress, cost", "", f"USD, by the program's price table as of {prices.as_of} (`bucketferry plan --print-prices`).", "",
            "| what | number | USD |", "|---|---|---|",
            f"| GETs at the source | {OBJECTS:,} | {gets:,.0f} |",
            f"| uploads at the target | {OBJECTS:,} | {uploads:,.0f} |",
            f"| listing pages of one scan, both sides | {2 * model.pages:,} | {scan:,.2f} |",
            f"| egress, GiB | {gib:,.0f} | {egress:,.0f} |",
            f"| **first migration, one scan** | | **{gets + uploads + scan + egress:,.0f}** |",
            f"| a scan every hour, per day | {2 * model.pages * 24:,} | {scan * 24:,.0f} |",
            f"| a scan every day, per day | {2 * model.pages:,} | {scan:,.2f} |"]


def memory_part(model):
    one, many = model.listing_s(1), model.listing_s(model.a.parallel_listing)
    migrator = model.m["publisher_mib"] + model.a.transfers * model.m["transfer_kib"] / 1024
    return ["## Scans and memory", "", "| what | value |", "|---|---|",
            f"| one scan, serial listing | {hours(one)} |",
            f"| one scan, listing in ranges | {hours(many)} |",
            f"| CPU of one scan | {OBJECTS * model.m['rescan_us'] / 1e6 / HOUR:,.1f} core-hours |",
            f"| Redis | {OBJECTS * model.m['redis_bytes'] / GIB:,.0f} GiB |",
            f"| publisher | {model.m['publisher_mib']:,.0f} MiB, whatever the bucket |",
            f"| migrator, {model.a.transfers} transfers | {migrator:,.0f} MiB |"]


def walls_part(model):
    lines = ["## Walls, in the order in which they are hit", "",
             f"With 16 migrators, the defaults and objects of {model.size / 2**20:.2f} MiB.", "", "| at objects | what is hit | what then |", "|---|---|---|"]
    lines += [f"| {at:,.0f} | {what} | {then} |" for at, what, then in (((round(at, 1 - len(str(int(at))) + 1)), w, t) for at, w, t in model.walls())]
    first = model.walls()[0]
    return lines + ["", f"The first wall is that {first[1]}."]


def page(constants, prices):
    model = Model({name: of["value"] for name, of in constants.items()}, Assumed())
    parts = [["# Scale: a billion objects, a pebibyte", "",
              "What the measured costs come to at 10⁹ objects and 1 PiB. Nobody has run this: it is arithmetic, made by `scripts/scale` from",
              "[what was measured](../bench/README.md) and what is assumed below. Change either and run it again; a test compares this page with its output."],
             measured_part(constants), assumed_part(model.a), days_part(model), requests_part(model, prices), memory_part(model), walls_part(model)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main():
    parser = argparse.ArgumentParser(prog="scripts/scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", action="store_true", help="constants from the newest full-size figures of the bench")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    if options.take:
        take()
    text = page(json.loads(CONSTANTS.read_text()), Prices())
    if options.check:
        if pathlib.Path(PAGE).read_text() != text:
            sys.exit("scale: docs/scale.md is not what its constants and prices come to: run scripts/scale")
        print("scale: docs/scale.md is up to date")
        return
    PAGE.write_text(text)
    print(f"scale: wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
