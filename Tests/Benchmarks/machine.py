"""What the benchmarks need from the machine: packages, cores, /proc, and processes that end with the runner."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROXY_CORE = 0
LOAD_CORE = 1


class Missing(Exception):
    """Something that the benchmarks need is not there; the message says what to do."""


# ------------------------------------------------------------ packages


def require(programs: dict[str, str]) -> None:
    """Installs the Debian packages of the programs that are missing, as root; otherwise says which they are."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    os.environ["PATH"] = path
    packages = sorted({package for program, package in programs.items() if not _is_there(program)})
    if not packages:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Missing(f"missing packages; as root: apt-get install {' '.join(packages)}")
    print(f"installing {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    # A package that starts its service would take a port and time of a core.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        for command in (install, ["apt-get", "update"], install):
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
            if done.returncode == 0 and command is install:
                return
    finally:
        if ours:
            policy.unlink()
    raise Missing(f"could not install {' '.join(packages)}:\n{done.stderr[-2000:]}")


def _is_there(program: str) -> bool:
    return Path(program).exists() if program.startswith("/") else shutil.which(program) is not None


def build_native(source: Path, target: Path) -> None:
    """Compiles the mock upstream, the load generator and the allocation counter, where the source is newer."""
    target.mkdir(parents=True, exist_ok=True)
    tls = ["-lssl", "-lcrypto"]
    for name, flags in {"upstream": tls, "load": tls, "malloc_counter": ["-shared", "-fPIC"]}.items():
        made, text = target / name, source / f"{name}.c"
        if made.exists() and made.stat().st_mtime > text.stat().st_mtime:
            continue
        command = ["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(text), *flags]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Missing(f"{' '.join(command)}\n{done.stderr}")


# ------------------------------------------------------------ cores, ports, bounds


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def raise_bounds() -> int:
    """As many descriptors as the machine lets this user have; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def raise_priority() -> bool:
    """The runner and all that it starts come before other work of the machine, where the user may ask for it."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -15)
        return True
    return False


@contextlib.contextmanager
def on_core(core: int):
    """What is started inside runs on this core; the runner itself goes back to the other one."""
    before = os.sched_getaffinity(0)
    with contextlib.suppress(OSError):
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# ------------------------------------------------------------ /proc


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry)] = int(_stat(int(entry))[1])
    found = [root]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found


def cpu_seconds(pids: list[int]) -> float:
    """User and system time of these processes, all threads; in steps of 10 ms."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = _stat(pid)
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICK


def rss_kib(pids: list[int]) -> int:
    pages = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE // 1024


def descriptors(pids: list[int]) -> int:
    count = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            count += len(os.listdir(f"/proc/{pid}/fd"))
    return count


def core_busy_seconds(core: int) -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith(f"cpu{core} "):
            fields = [int(each) for each in line.split()[1:]]
            return (sum(fields[:3]) + sum(fields[5:8])) / TICK
    return 0.0


def describe() -> dict:
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024
    name = "Linux"
    with contextlib.suppress(OSError):
        pairs = dict(each.split("=", 1) for each in Path("/etc/os-release").read_text().splitlines() if "=" in each)
        name = pairs.get("PRETTY_NAME", name).strip('"')
    return {"cpu": model, "cores": os.cpu_count(), "memory_mib": memory, "system": name,
            "kernel": os.uname().release, "load_before": round(os.getloadavg()[0], 2)}


# ------------------------------------------------------------ processes


class Child:
    """A process of ours. It ends with the block, by its own id: asked first, then forced."""

    def __init__(self, command: list[str], core: int, cwd: Path, log: Path, environment: dict | None = None,
                 pipes: bool = False) -> None:
        self.log = log
        with on_core(core), open(log, "ab") as out:
            self.process = subprocess.Popen(
                command, cwd=cwd, env={**os.environ, **(environment or {})}, stderr=out,
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL, stdout=subprocess.PIPE if pipes else out)

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_) -> None:
        self.end()

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def end(self) -> None:
        for each in (self.process.stdin, self.process.stdout):
            if each:
                with contextlib.suppress(OSError):
                    each.close()
        for number, patience in ((signal.SIGTERM, 8), (signal.SIGKILL, 8)):
            if not self.is_alive():
                return
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
