import docker

from scenarios import Scenario


class Metering(Scenario):
    def test_stats(self):
        """stats: once, and as a stream"""
        container = self.running()
        once = container.stats(stream=False)
        self.assertGreater(once["memory_stats"]["usage"], 0)
        self.assertIn("eth0", once["networks"])
        samples = container.stats(decode=True)
        first, second = next(samples), next(samples)
        self.assertGreater(second["cpu_stats"]["system_cpu_usage"], first["cpu_stats"]["system_cpu_usage"])
        samples.close()

    def test_top(self):
        """top"""
        container = self.running()

        def commands():
            return [row[1] for row in container.top(ps_args="-o pid,args")["Processes"]]

        self.assertEqual(container.top(ps_args="-o pid,args")["Titles"], ["PID", "COMMAND"])
        # A process that was started may not yet have become the program.
        self.until(lambda: commands() == ["sleep 1000"], "the program")

    def test_pause(self):
        """pause, unpause"""
        container = self.running()
        container.pause()
        container.reload()
        self.assertEqual(container.status, "paused")
        with self.assertRaises(docker.errors.APIError):
            container.exec_run("true")
        container.unpause()
        container.reload()
        self.assertEqual(container.status, "running")

    def test_update(self):
        """update of limits and of the restart policy"""
        container = self.running(mem_limit="64m")
        container.update(mem_limit="96m", memswap_limit="96m", cpu_shares=512, restart_policy={"Name": "always"})
        container.reload()
        config = container.attrs["HostConfig"]
        self.assertEqual((config["Memory"], config["CpuShares"], config["RestartPolicy"]["Name"]), (96 << 20, 512, "always"))

    def test_health(self):
        """a healthcheck"""
        check = docker.types.Healthcheck(test=["CMD-SHELL", "true"], interval=100_000_000, timeout=5_000_000_000)
        container = self.running(healthcheck=check)

        def healthy():
            container.reload()
            return container.attrs["State"]["Health"]["Status"] == "healthy"

        self.until(healthy, "health")

    def test_restarts(self):
        """a restart policy"""
        container = self.running("sh", "-c", "exit 3", restart_policy={"Name": "on-failure", "MaximumRetryCount": 2})

        def restarted():
            container.reload()
            return container.attrs["RestartCount"] == 2

        self.until(restarted, "two restarts")

    def test_df(self):
        """df"""
        used = self.client.df()
        self.assertGreater(used["LayersSize"], 0)
        self.assertTrue(any(image["RepoTags"] for image in used["Images"]))
