"""What the scenarios of Python's client share, and the program that runs them: one JSON object a line on stdout for each.

    DOCKER_HOST=unix:///… python3 scenarios.py

A scenario is a test method; its docstring is its name.
"""
import json
import pathlib
import sys
import time
import unittest

import docker


class Scenario(unittest.TestCase):
    """Has a client of its own, and takes away the containers it ran."""

    maxDiff = None

    def setUp(self):
        self.client = docker.from_env(version="auto", timeout=30)
        self.api = self.client.api
        self.addCleanup(self.client.close)

    def running(self, *command, image="busybox", **options):
        """A container that runs until the scenario ends."""
        container = self.client.containers.run(
            image, list(command) or ["sleep", "1000"], detach=True, **options
        )
        self.addCleanup(self.gone, container)
        return container

    def gone(self, container):
        try:
            container.remove(force=True, v=True)
        except docker.errors.NotFound:
            pass

    def until(self, holds, what, seconds=15):
        end = time.monotonic() + seconds
        while not holds():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.02)


class Report(unittest.TestResult):
    """Says what became of each scenario as soon as it is known."""

    def say(self, test, failure=None):
        print(json.dumps({"name": test.shortDescription(), "failure": failure}), flush=True)

    def addSuccess(self, test):
        self.say(test)

    def addFailure(self, test, err):
        self.say(test, self._exc_info_to_string(err, test))

    addError = addFailure


if __name__ == "__main__":
    sys.modules["scenarios"] = sys.modules["__main__"]
    here = str(pathlib.Path(__file__).parent)
    unittest.defaultTestLoader.discover(here, pattern="[!s]*.py").run(Report())
