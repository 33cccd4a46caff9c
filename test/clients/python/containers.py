import docker
from docker.types import LogConfig, Mount, Ulimit

from scenarios import Scenario


class Containers(Scenario):
    def test_run(self):
        """containers.run: output, both streams, options"""
        run = self.client.containers.run
        self.assertEqual(run("busybox", "echo hello", remove=True), b"hello\n")
        both = "echo out; echo err >&2"
        self.assertEqual(run("busybox", ["sh", "-c", both], remove=True, stderr=True), b"out\nerr\n")
        lines = run("busybox", ["sh", "-c", "echo 1; echo 2"], remove=True, stream=True)
        self.assertEqual(b"".join(lines), b"1\n2\n")
        shown = run(
            "busybox",
            ["sh", "-c", "id -u; pwd; echo $GREETING; hostname; cat /proc/sys/net/core/somaxconn; ulimit -n; grep -c extra /etc/hosts"],
            remove=True,
            user="nobody",
            working_dir="/tmp",
            environment={"GREETING": "hi"},
            hostname="named",
            sysctls={"net.core.somaxconn": "99"},
            ulimits=[Ulimit(name="nofile", soft=100, hard=200)],
            extra_hosts={"extra": "192.0.2.1"},
            mem_limit="64m",
            cap_drop=["ALL"],
            log_config=LogConfig(type=LogConfig.types.JSON),
        )
        self.assertEqual(shown.decode().split(), ["65534", "/tmp", "hi", "named", "99", "100", "1"])

    def test_errors(self):
        """errors: ContainerError, ImageNotFound, NotFound, APIError"""
        with self.assertRaises(docker.errors.ContainerError) as failed:
            self.client.containers.run("busybox", ["sh", "-c", "echo why >&2; exit 3"], remove=True)
        self.assertEqual((failed.exception.exit_status, failed.exception.stderr), (3, b"why\n"))
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.containers.create("127.0.0.1:9/none")
        with self.assertRaises(docker.errors.NotFound) as missing:
            self.client.containers.get("none")
        self.assertEqual(missing.exception.explanation, "No such container: none")
        with self.assertRaises(docker.errors.NotFound):
            self.client.networks.get("absent")
        with self.assertRaises(docker.errors.APIError) as refused:
            self.client.containers.create("busybox", name="no/name")
        self.assertTrue(refused.exception.is_client_error())
        self.assertIn("Invalid container name", refused.exception.explanation)
        with self.assertRaises(docker.errors.APIError) as absent:
            self.client.containers.run("busybox", "/nothing", remove=True)
        self.assertIn("no such file or directory", str(absent.exception))

    def test_life(self):
        """life: create, start, stop, restart, kill, rename, remove, list"""
        container = self.client.containers.create("busybox", "sleep 1000", name="life", labels={"part": "life"})
        self.addCleanup(self.gone, container)
        self.assertEqual(container.status, "created")
        container.start()
        container.reload()
        self.assertEqual((container.status, container.name), ("running", "life"))
        self.assertEqual(container.image.tags, ["busybox:latest"])
        found = self.client.containers.list(filters={"label": "part=life", "status": "running"})
        self.assertEqual(found, [container])
        container.rename("living")
        container.restart(timeout=0)
        container.kill(signal="SIGKILL")
        self.assertEqual(container.wait()["StatusCode"], 137)
        container.start()
        container.stop(timeout=0)
        self.assertEqual(self.client.containers.list(filters={"name": "living"}), [])
        self.assertEqual(len(self.client.containers.list(all=True, filters={"name": "living"})), 1)
        container.remove()
        with self.assertRaises(docker.errors.NotFound):
            container.reload()

    def test_wait(self):
        """wait: exit code, condition, timeout"""
        container = self.running("sh", "-c", "exit 7")
        self.assertEqual(container.wait()["StatusCode"], 7)
        silent = self.running()
        with self.assertRaises(Exception) as late:
            silent.wait(timeout=0.2)
        self.assertIn("timed out", str(late.exception))
        removed = self.client.containers.run("busybox", "sleep 0.3", detach=True, auto_remove=True)
        self.assertEqual(removed.wait(condition="removed")["StatusCode"], 0)

    def test_logs(self):
        """logs: whole, stream, follow, tail, since, timestamps"""
        container = self.running("sh", "-c", "echo one; echo two >&2; sleep 0.3; echo three")
        self.assertEqual(b"".join(container.logs(stream=True, follow=True, stderr=False)), b"one\nthree\n")
        self.assertEqual(container.logs(), b"one\ntwo\nthree\n")
        self.assertEqual(container.logs(tail=1), b"three\n")
        self.assertRegex(container.logs(timestamps=True, stdout=False), rb"^\d{4}-\d\d-\d\dT[\d:.]+Z two\n$")
        self.assertEqual(container.logs(since=2_000_000_000), b"")

    def test_exec(self):
        """exec_run: exit code, demux, stream, socket, detach, environment"""
        container = self.running()
        code, output = container.exec_run(["sh", "-c", "echo out; echo err >&2; exit 5"], demux=True)
        self.assertEqual((code, output), (5, (b"out\n", b"err\n")))
        _, shown = container.exec_run(
            "sh -c 'echo $A $(id -u) $(pwd)'", environment={"A": "b"}, user="1:1", workdir="/tmp"
        )
        self.assertEqual(shown, b"b 1 /tmp\n")
        _, pieces = container.exec_run(["sh", "-c", "echo 1; sleep 0.1; echo 2"], stream=True)
        self.assertEqual(b"".join(pieces), b"1\n2\n")
        _, terminal = container.exec_run("tty", tty=True)
        self.assertRegex(terminal, rb"/dev/(pts/\d+|console)\r\n")
        _, sock = container.exec_run("cat", stdin=True, socket=True)
        sock._sock.sendall(b"over the socket")
        self.assertEqual(sock.read(8), b"\x01\0\0\0\0\0\0\x0f")
        self.assertEqual(sock.read(15), b"over the socket")
        sock._sock.close()
        sock.close()
        container.exec_run("touch /made", detach=True)
        self.until(lambda: container.exec_run("test -e /made").exit_code == 0, "the file")

    def test_attach(self):
        """attach: logs and what comes, stream and demux"""
        container = self.client.containers.create("busybox", ["sh", "-c", "echo out; echo err >&2"])
        self.addCleanup(self.gone, container)
        pieces = container.attach(stream=True, logs=True, demux=True)
        container.start()
        pieces = list(pieces)
        self.assertEqual(b"".join(out for out, _ in pieces if out), b"out\n")
        self.assertEqual(b"".join(err for _, err in pieces if err), b"err\n")
        container.wait()
        self.assertEqual(container.attach(logs=True, stream=False), b"out\nerr\n")

    def test_attach_socket(self):
        """APIClient.attach_socket: input and its end"""
        made = self.api.create_container("busybox", "sha256sum", stdin_open=True)
        self.addCleanup(lambda: self.api.remove_container(made["Id"], force=True))
        sock = self.api.attach_socket(made, params={"stdin": 1, "stdout": 1, "stream": 1})
        self.api.start(made)
        sock._sock.sendall(b"hello")
        sock._sock.shutdown(1)
        expected = b"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  -\n"
        self.assertEqual(sock.read(8), b"\x01\0\0\0\0\0\0" + bytes([len(expected)]))
        self.assertEqual(sock.read(len(expected)), expected)
        sock._sock.close()
        sock.close()

    def test_terminal(self):
        """a terminal: attach, resize"""
        container = self.running("sh", "-c", "until [ -e /go ]; do usleep 10000; done; stty size", tty=True, stdin_open=True)
        container.resize(height=33, width=99)
        container.exec_run("touch /go")
        container.wait()
        self.assertEqual(container.logs(), b"33 99\r\n")

    def test_low_level(self):
        """APIClient: create_host_config, bind, tmpfs, port, inspect"""
        config = self.api.create_host_config(
            port_bindings={80: ("127.0.0.1", 8080)}, tmpfs={"/t": "size=1m"}, read_only=True, privileged=False
        )
        made = self.api.create_container("busybox", ["sleep", "1000"], ports=[80], host_config=config)
        self.addCleanup(lambda: self.api.remove_container(made["Id"], force=True))
        self.api.start(made["Id"])
        info = self.api.inspect_container(made)
        self.assertEqual(
            info["NetworkSettings"]["Ports"], {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
        )
        self.assertEqual(self.api.port(made, 80), [{"HostIp": "127.0.0.1", "HostPort": "8080"}])
        self.assertEqual((info["HostConfig"]["ReadonlyRootfs"], info["HostConfig"]["Tmpfs"]), (True, {"/t": "size=1m"}))

    def test_binds(self):
        """binds and mounts of the host's files"""
        shown = self.client.containers.run(
            "busybox",
            ["sh", "-c", "cmp /a/passwd /b && ! touch /a/x 2>/dev/null && echo same"],
            volumes={"/etc": {"bind": "/a", "mode": "ro"}},
            mounts=[Mount("/b", "/etc/passwd", type="bind", read_only=True)],
            remove=True,
        )
        self.assertEqual(shown, b"same\n")

    def test_prune(self):
        """containers.prune"""
        container = self.client.containers.create("busybox", labels={"prune": "me"})
        pruned = self.client.containers.prune(filters={"label": "prune=me"})
        self.assertEqual(pruned["ContainersDeleted"], [container.id])
