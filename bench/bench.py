#!/usr/bin/env python3
"""Runs `bucketferry copy` and `rclone copy` alternately on the same sandbox data and prints what each costs.

CPU is user + system time of the client process alone (the sandbox's own is printed beside it, so that anyone can see
whether it is the bottleneck). Wall time is printed, but never judged: it depends on what else the machine does.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build" / "release" / "bin"
MIB = 1 << 20

WORKLOADS = {
    # name: (objects, bytes per object)
    "large": (4, 256 * MIB),
    "small": (20_000, 4096),
}


class Sandbox:
    """The servers under test, started once: both tools meet the same ones."""

    def __init__(self, folder):
        command = [str(BIN / "bucketferry-sandbox"), "--s3", "0", "--gcs", "0", "--no-sha", "--discard"]
        for name, (count, size) in WORKLOADS.items():
            command += ["--synthetic", f"{name}:{count}:{size}"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        self.ready = json.loads(self.process.stdout.readline())
        self.buckets = 0

    def new_bucket(self):
        """A target bucket that nobody has written to yet."""
        self.buckets += 1
        name = f"target-{self.buckets}"
        request = urllib.request.Request(
            self.ready["gcs"] + "/storage/v1/b?project=bench",
            data=json.dumps({"name": name}).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request).read()
        return name

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def run(command, env, sandbox):
    """One measured run: CPU, wall time and peak memory of the process, CPU of the servers meanwhile."""
    server_before = sandbox.cpu_seconds()
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        # rclone 1.60 can't start with a certificate bundle from the environment, and nothing here uses TLS.
        inherited = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        process = subprocess.Popen(command, env={**inherited, **env}, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        if process.returncode != 0:
            output.seek(0)
            sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output.read().decode(errors='replace')[-4000:]}")
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "wall_s": wall,
        "peak_mib": usage.ru_maxrss / 1024,
        "server_cpu_s": sandbox.cpu_seconds() - server_before,
    }


def bucketferry(sandbox, source, target, folder):
    state = folder / f"{target}.sqlite"
    command = [str(BIN / "bucketferry"), "copy", f"s3://{source}", f"gs://{target}", "--state", str(state), "--quiet"]
    env = {
        "AWS_ACCESS_KEY_ID": sandbox.ready["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": sandbox.ready["secret_access_key"],
        "AWS_ENDPOINT_URL_S3": sandbox.ready["s3"],
        "STORAGE_EMULATOR_HOST": sandbox.ready["gcs"],
    }
    return run(command, env, sandbox)


def rclone(sandbox, source, target, folder):
    env = {
        "RCLONE_CONFIG": str(folder / "rclone.conf"),
        "RCLONE_CONFIG_SRC_TYPE": "s3",
        "RCLONE_CONFIG_SRC_PROVIDER": "Ceph",
        "RCLONE_CONFIG_SRC_ACCESS_KEY_ID": sandbox.ready["access_key_id"],
        "RCLONE_CONFIG_SRC_SECRET_ACCESS_KEY": sandbox.ready["secret_access_key"],
        "RCLONE_CONFIG_SRC_ENDPOINT": sandbox.ready["s3"],
        "RCLONE_CONFIG_SRC_FORCE_PATH_STYLE": "true",
        "RCLONE_CONFIG_DST_TYPE": "google cloud storage",
        "RCLONE_CONFIG_DST_ENDPOINT": sandbox.ready["gcs"] + "/storage/v1/",
        "RCLONE_CONFIG_DST_ANONYMOUS": "true",
        "RCLONE_CONFIG_DST_BUCKET_POLICY_ONLY": "true",
        "RCLONE_CONFIG_DST_PROJECT_NUMBER": "1",
    }
    # Its defaults but for what favours it: more transfers at once for small objects, one listing for all, no second HEAD.
    command = ["rclone", "copy", f"src:{source}", f"dst:{target}", "--transfers", "64", "--checkers", "64",
               "--fast-list", "--use-server-modtime", "--retries", "1", "-q"]
    return run(command, env, sandbox)


TOOLS = {"bucketferry": bucketferry, "rclone": rclone}


def measure(sandbox, workload, runs, folder):
    """Alternating runs: first a full copy into an empty bucket, then a rescan that has nothing to do."""
    results = {tool: {"copy": [], "rescan": []} for tool in TOOLS}
    for _ in range(runs):
        for tool, go in TOOLS.items():
            target = sandbox.new_bucket()
            results[tool]["copy"].append(go(sandbox, workload, target, folder))
            results[tool]["rescan"].append(go(sandbox, workload, target, folder))
    return results


def summary(samples, key):
    values = [sample[key] for sample in samples]
    return statistics.median(values), min(values), max(values)


def per_unit(workload, phase):
    count, size = WORKLOADS[workload]
    if workload == "large" and phase == "copy":
        return "CPU s per GiB", count * size / (1 << 30), 1
    return "CPU µs per object", count, 1e6


def report(workload, results):
    for phase in ("copy", "rescan"):
        if workload == "large" and phase == "rescan":
            continue
        unit, divisor, factor = per_unit(workload, phase)
        count, size = WORKLOADS[workload]
        print(f"\n{workload} {phase}: {count} × {size} B")
        print(f"  {'':12} {unit:>28} {'objects per CPU s':>18} {'wall s':>22} {'peak MiB':>18} {'servers CPU s':>14}")
        medians = {}
        for tool in TOOLS:
            samples = results[tool][phase]
            cpu, low, high = (value / divisor * factor for value in summary(samples, "cpu_s"))
            wall, wall_low, wall_high = summary(samples, "wall_s")
            peak, _, peak_high = summary(samples, "peak_mib")
            server, _, _ = summary(samples, "server_cpu_s")
            medians[tool] = cpu
            rate = count / summary(samples, "cpu_s")[0]
            print(f"  {tool:12} {cpu:10.3f} [{low:.3f}–{high:.3f}]".ljust(44) +
                  f"{rate:15.0f} {wall:10.2f} [{wall_low:.2f}–{wall_high:.2f}] {peak:9.1f} (max {peak_high:.1f}) {server:8.2f}")
        print(f"  ratio: rclone costs {medians['rclone'] / medians['bucketferry']:.1f} × as much CPU")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="alternating runs per workload (default: 5)")
    parser.add_argument("--workload", choices=[*WORKLOADS, "all"], default="all")
    parser.add_argument("--json", metavar="FILE", help="also write every sample there")
    options = parser.parse_args()
    for needed in (BIN / "bucketferry", BIN / "bucketferry-sandbox"):
        if not needed.exists():
            sys.exit(f"{needed} is missing: run `make build` first")
    if not shutil.which("rclone"):
        sys.exit("rclone is missing: run `scripts/bootstrap test` first")
    version = subprocess.run(["rclone", "version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}; {version}; {options.runs} alternating runs, "
          "medians [min–max]")
    history = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        sandbox = Sandbox(folder)
        try:
            for workload in WORKLOADS if options.workload == "all" else [options.workload]:
                history[workload] = measure(sandbox, workload, options.runs, folder)
                report(workload, history[workload])
        finally:
            sandbox.stop()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(history, indent=1))
    print("\nbench: done")


if __name__ == "__main__":
    main()
