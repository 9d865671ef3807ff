"""What every row of the bench needs: the servers, processes that are measured, and figures with their spread.

CPU is user + system time of a process from its start to its end, as the kernel counts it (wait4). Peak memory is what GNU time
says: the kernel counts what the parent held before exec(), and that would be this interpreter's.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("FERRY_BIN", ROOT / "build" / "release" / "bin"))
PROGRAM, SANDBOX, LIMIT = (BIN / name for name in ("bucketferry", "bucketferry-sandbox", "bucketferry-limit"))
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
PATIENCE = 900


class CannotMeasureError(Exception):
    """Why a row has no figure. Nothing is put in its place."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """One run of one process."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    servers_cpu_s: float
    output: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Figure:
    """What several runs came to."""

    median: float
    low: float
    high: float
    unit: str

    @classmethod
    def of(cls, values, unit):
        values = list(values)
        return cls(statistics.median(values), min(values), max(values), unit)

    def __str__(self):
        digits = 3 if self.high < 10 else 1 if self.high < 1000 else 0
        return f"{self.median:,.{digits}f} [{self.low:,.{digits}f}–{self.high:,.{digits}f}] {self.unit}".rstrip()


class Report:
    """One row: figures as they come, goals with whether they are met, remarks."""

    def __init__(self, row, title):
        self.row, self.title = row, title
        self.figures, self.goals, self.remarks = {}, [], []

    def figure(self, name, values, unit):
        self.figures[name] = Figure.of(values, unit)
        return self.figures[name].median

    def goal(self, what, value, limit, at_most=True):
        """`value` is to be at most (or at least) `limit`."""
        self.goals.append({"what": what, "value": value, "limit": limit, "at_most": at_most,
                           "met": value <= limit if at_most else value >= limit})

    def remark(self, text):
        self.remarks.append(text)

    def show(self):
        print(f"\n{self.row}  {self.title}")
        for name, figure in self.figures.items():
            print(f"  {name:50} {figure}")
        for goal in self.goals:
            sign = "≤" if goal["at_most"] else "≥"
            verdict = "met" if goal["met"] else "MISSED"
            print(f"  {goal['what']:50} {goal['value']:,.3g}  (goal {sign} {goal['limit']:,.3g}: {verdict})")
        for remark in self.remarks:
            print(f"  {remark}")

    def as_json(self):
        return {"row": self.row, "figures": {name: dataclasses.asdict(figure) for name, figure in self.figures.items()},
                "goals": self.goals, "remarks": self.remarks}


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_until(what, condition, interval=0.01):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise CannotMeasureError(f"waited in vain until {what}")
        time.sleep(interval)


def cpu_seconds(pid):
    """User and system time so far of a process that still runs, in the kernel's ticks."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mib(pid):
    """The largest resident size so far of a process that still runs."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / KIB for line in status.split("\n") if line.startswith("VmHWM"))


def reap(process):
    """Waits for the end of a process. @return its exit code and what it used."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def tail(file):
    file.seek(0)
    return file.read().decode(errors="replace")[-3000:]


class World:
    """A sandbox (and what else is started in it) with a folder, for as long as the `with` block."""

    def __init__(self, *options, tls=False):
        self.options, self.tls = [str(option) for option in options], tls
        self.stack = contextlib.ExitStack()
        self.buckets = 0
        self.processes = {}

    def __enter__(self):
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        try:
            command = [SANDBOX, "--s3", "0", "--gcs", "0", "--no-sha", "--discard", *self.options]
            if self.tls:
                self.ca = make_certificates(self.folder)
                command += ["--tls-cert", self.folder / "server.pem", "--tls-key", self.folder / "server.key"]
            sandbox = self.start("sandbox", command)
            wait_until("the sandbox is ready", lambda: sandbox.poll() is not None or "\n" in self.said("sandbox", "out"))
            if sandbox.poll() is not None:
                raise CannotMeasureError(f"the sandbox doesn't start: {self.said('sandbox')[-500:]}")
            self.ready = json.loads(self.said("sandbox", "out").split("\n")[0])
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, *failure):
        self.stack.close()

    def start(self, name, command, environment=None):
        """A process that goes on until it is stopped; its output goes to files."""
        files = [self.stack.enter_context(open(self.folder / f"{name}.{kind}", "w+b")) for kind in ("out", "err")]
        process = subprocess.Popen([str(word) for word in command], stdout=files[0], stderr=files[1], env=environment,
                                   cwd=self.folder)
        self.processes[name] = process
        self.stack.callback(self._kill, process)
        return process

    @staticmethod
    def _kill(process):
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def said(self, name, kind="err"):
        return (self.folder / f"{name}.{kind}").read_text(errors="replace")

    def finish(self, name):
        """Ends a process by SIGTERM. @return CPU seconds that it used in its life, and its peak memory in MiB."""
        process = self.processes[name]
        peak = peak_mib(process.pid)
        process.send_signal(signal.SIGTERM)
        code, usage = reap(process)
        if code != 0:
            raise CannotMeasureError(f"{name} ended with {code}:\n{self.said(name)[-3000:]}")
        return usage.ru_utime + usage.ru_stime, peak

    def servers_cpu(self):
        return cpu_seconds(self.processes["sandbox"].pid)

    def call(self, path, body=None, server="s3"):
        """A request to the sandbox itself. @return its JSON, or nothing."""
        context = ssl.create_default_context(cafile=self.ca) if self.tls else None
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.ready[server] + path, data=body, headers=headers)
        with urllib.request.urlopen(request, context=context) as reply:
            text = reply.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else None

    def new_bucket(self):
        """A target bucket that nobody has written to yet."""
        self.buckets += 1
        name = f"target-{self.buckets}"
        self.call("/storage/v1/b?project=bench", json.dumps({"name": name}).encode(), "gcs")
        return name

    def fault(self, **instruction):
        self.call("/_sandbox/faults", json.dumps(instruction).encode())

    def requests(self, service, *operations):
        """How many requests were counted, all or those of these operations."""
        counted = self.call("/_sandbox/counters").get(service, {})
        return sum(of["requests"] for name, of in counted.items() if not operations or name in operations)

    def reset_counters(self):
        self.call("/_sandbox/reset", b"")

    def run(self, command, environment=None):
        """A program from its start to its end, which must be a good one."""
        command = [str(word) for word in command]
        # rclone 1.60 can't start with a certificate bundle from the environment; ours are named by options.
        inherited = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
        peak = self.folder / "peak"
        before, begin = self.servers_cpu(), time.monotonic()
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(["/usr/bin/time", "--quiet", "--format=%M", f"--output={peak}", *command], stdout=output,
                                       stderr=subprocess.STDOUT, env={**inherited, **(environment or {})}, cwd=self.folder)
            code, usage = reap(process)
            wall = time.monotonic() - begin
            text = tail(output)
        if code != 0:
            raise CannotMeasureError(f"{' '.join(command)} ended with {code}:\n{text}")
        return Sample(usage.ru_utime + usage.ru_stime, wall, int(peak.read_text()) / KIB, self.servers_cpu() - before, text)


def make_certificates(folder):
    """An authority and a server's certificate that it signed. @return the file of the authority."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=folder)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server", "-addext",
            "subjectAltName=IP:127.0.0.1")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
            "server.pem", "-days", "2", "-copy_extensions", "copy")
    return folder / "ca.pem"


def alternate(runs, contenders):
    """Each contender once per round, so that whatever else the machine does meets all. @return samples by name."""
    samples = {name: [] for name in contenders}
    for _ in range(runs):
        for name, go in contenders.items():
            samples[name].append(go())
    return samples


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise CannotMeasureError(f"{program} is missing: `scripts/bench` builds and installs what it needs")
