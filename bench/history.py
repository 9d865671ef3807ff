"""Where and on what was measured; one line of JSON per run of the bench in bench/results/HISTORY."""

import datetime
import json
import os
import pathlib
import platform
import subprocess

from harness import PROGRAM, ROOT

HISTORY = ROOT / "bench" / "results" / "HISTORY"


def _first_line(*command):
    try:
        said = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return said.strip().split("\n")[0]


def _field(path, name):
    for line in pathlib.Path(path).read_text().split("\n"):
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return "unknown"


def describe(options):
    changed = _first_line("git", "status", "--porcelain", "--", "src", "sandbox", "bench/limit", "CMakeLists.txt", "cmake")
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": _first_line("git", "rev-parse", "--short=12", "HEAD") + ("" if changed in ("", "unknown") else "+changes"),
        "machine": {
            "cpu": _field("/proc/cpuinfo", "model name"),
            "cores": os.cpu_count(),
            "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
            "kernel": platform.release(),
            "load": os.getloadavg()[0],
        },
        "versions": {"bucketferry": _first_line(PROGRAM, "--version"), "rclone": _first_line("rclone", "version"),
                     "redis": _first_line("redis-server", "--version"), "openssl": _first_line("openssl", "version")},
        "runs": options.runs,
        "scale": options.scale,
    }


def headline(about):
    machine = about["machine"]
    lines = [f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Linux {machine['kernel']}; "
             f"commit {about['commit']}", "; ".join(about["versions"].values()),
             f"{about['runs']} alternating runs, medians [least–most]"]
    if about["scale"] != 1:
        lines.append(f"at {about['scale']:.0%} of the size: figures for trying the harness, not for judging")
    if machine["load"] > 0.5:
        lines.append(f"the machine is not idle (load {machine['load']:.1f}): CPU figures are higher than they should be")
    return "\n".join(lines)


def append(about, results):
    HISTORY.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps({**about, "rows": results}, ensure_ascii=False)
    with HISTORY.open("a") as file:
        file.write(line.replace(f"{ROOT}/", "") + "\n")  # where somebody keeps the tree is nobody's business
