"""The worker processes: started when first asked, each with the same threads."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

from benchmarks.cases import FOREIGN, MODULES
from benchmarks.engines import BACKENDS

ROOT = pathlib.Path(__file__).resolve().parents[1]


def peers_python():
    """Python of the peers' environment, or `None` where it was not made."""
    folder = os.environ.get("KERAS_LOSSKIT_PEERS", ROOT / "benchmarks" / "peers" / "env")
    python = pathlib.Path(folder) / "bin" / "python"
    return python if python.exists() else None


class Failed(Exception):
    """What a worker could not do, in its words."""


class Pool:
    def __init__(self, log=None):
        self.workers, self.log = {}, log or subprocess.DEVNULL

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def where(self, engine, source):
        """Which worker runs this candidate; `None` if there is none."""
        if source not in FOREIGN:
            package = MODULES[source].partition(".")[0]
            return BACKENDS[engine] if importlib.util.find_spec(package) else None
        return "peers" if BACKENDS[engine] == "tensorflow" and peers_python() else None

    def ask(self, worker, **request):
        process = self.workers.get(worker)
        if process is None or process.poll() is not None:
            process = self.workers[worker] = self._start(worker)
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failed(f"the {worker} process ended: {process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def setting(self, worker):
        """The Python of a worker, the folders that it imports from, and its environment."""
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if worker != "peers":
            return sys.executable, [ROOT], {**environment, "KERAS_BACKEND": worker}
        environment["SM_FRAMEWORK"] = "tf.keras"
        environment.pop("KERAS_BACKEND", None)
        return str(peers_python()), [ROOT], environment

    def _start(self, worker):
        python, folders, environment = self.setting(worker)
        return subprocess.Popen(
            [python, "-m", "benchmarks.worker"],
            cwd=folders[0],
            env={**environment, "PYTHONPATH": os.pathsep.join(map(str, folders))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )

    def restart(self, worker):
        """Ends a process; the next request starts a new one."""
        process = self.workers.pop(worker, None)
        if process is None:
            return
        process.stdin.close()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()

    def close(self):
        for worker in list(self.workers):
            self.restart(worker)
