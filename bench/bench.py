#!/usr/bin/env python3
"""Measures each goal of speed by its name, beside rclone where it can do the same, and beside what the hardware allows.

Runs alternate, figures are medians [least–most]. A row that can't be measured says why, and then the bench fails; a goal that is
missed is said, and doesn't.
"""

import argparse
import sys
import traceback

import history
import rows_copy
import rows_cost
import rows_service
import rows_wait
import sandbox_alone
from harness import CannotMeasureError

ROWS = {
    "sandbox": sandbox_alone.measure,
    "P1": rows_copy.p1,
    "P2": rows_copy.p2,
    "P3": rows_copy.p3,
    "P4": rows_service.p4,
    "publisher": rows_service.publisher,
    "P5": rows_wait.p5,
    "P6": rows_wait.p6,
    "P7": rows_wait.p7,
    "P8": rows_wait.p8,
    "P9": rows_service.p9,
    "P10": rows_cost.p10,
}


class Bench:
    """What the user asked for, as the rows see it."""

    def __init__(self, options):
        self.runs, self.scale, self.long = options.runs, options.scale, options.long

    def scaled(self, count, at_least=1):
        """A number of objects or bytes, smaller if only the harness is on trial."""
        return max(at_least, int(count * self.scale))


def chosen_rows(text):
    names = [name.strip() for name in text.split(",")] if text else list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown row {unknown[0]!r}: say one of {', '.join(ROWS)}")
    return names


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", type=chosen_rows, default=list(ROWS), metavar="P1,P3", help=f"only these of {', '.join(ROWS)}")
    parser.add_argument("--runs", type=int, default=5, help="alternating runs (default: 5)")
    parser.add_argument("--scale", type=float, default=1, help="part of the objects and bytes, to try the harness itself (default: 1)")
    parser.add_argument("--long", action="store_true", help="also what takes an hour: ten million objects")
    parser.add_argument("--no-history", action="store_true", help="leave bench/results/HISTORY alone")
    options = parser.parse_args()
    if options.runs < 1 or not 0 < options.scale <= 1:
        parser.error("--runs is at least 1, --scale between 0 and 1")

    bench = Bench(options)
    about = history.describe(options)
    print(history.headline(about))
    results, unmeasured, missed = [], [], []
    for name in options.row:
        try:
            report = ROWS[name](bench)
        except Exception as why:  # whatever it is, the other rows can be measured
            if not isinstance(why, CannotMeasureError):
                traceback.print_exc()
            print(f"\n{name}  NOT MEASURED: {why}", flush=True)
            unmeasured.append(name)
            results.append({"row": name, "not_measured": str(why)})
            continue
        report.show()
        sys.stdout.flush()
        missed += [name for goal in report.goals if not goal["met"]]
        results.append(report.as_json())
    if not options.no_history:
        history.append(about, results)
    print(f"\nbench: {len(results) - len(unmeasured)} rows measured, goals missed in {', '.join(dict.fromkeys(missed)) or 'none'}"
          + (f"; NOT MEASURED: {', '.join(unmeasured)}" if unmeasured else ""))
    sys.exit(1 if unmeasured else 0)


if __name__ == "__main__":
    main()
