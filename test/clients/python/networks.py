import json
import threading
import time

import docker
from docker.types import IPAMConfig, IPAMPool

from scenarios import Scenario


class Networks(Scenario):
    def network(self, name, **options):
        network = self.client.networks.create(name, **options)
        self.addCleanup(self.removed, network)
        return network

    def removed(self, network):
        try:
            network.remove()
        except docker.errors.NotFound:
            pass

    def test_create(self):
        """networks.create with IPAMConfig, list, inspect, remove"""
        pool = IPAMPool(subnet="10.8.0.0/24", iprange="10.8.0.128/25", gateway="10.8.0.1", aux_addresses={"other": "10.8.0.2"})
        network = self.network("pooled", driver="bridge", internal=True, labels={"a": "b"}, ipam=IPAMConfig(pool_configs=[pool]))
        self.assertEqual(
            network.attrs["IPAM"]["Config"],
            [{"Subnet": "10.8.0.0/24", "IPRange": "10.8.0.128/25", "Gateway": "10.8.0.1", "AuxiliaryAddresses": {"other": "10.8.0.2"}}],
        )
        self.assertEqual(self.client.networks.list(names=["pooled"]), [network])
        self.assertEqual(self.client.networks.list(filters={"label": "a=b"}, greedy=True), [network])
        with self.assertRaises(docker.errors.APIError) as twice:
            self.client.networks.create("pooled", check_duplicate=True)
        self.assertEqual(twice.exception.status_code, 409)
        network.remove()
        with self.assertRaises(docker.errors.NotFound):
            network.reload()

    def test_connect(self):
        """connect with aliases and a static address, disconnect"""
        network = self.network("joined", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.8.1.0/24")]))
        container = self.running(name="member")
        network.connect(container, aliases=["other"], ipv4_address="10.8.1.9", links=None)
        container.reload()
        self.assertEqual(container.attrs["NetworkSettings"]["Networks"]["joined"]["IPAddress"], "10.8.1.9")
        network.reload()
        self.assertEqual(network.containers, [container])
        pinged = self.client.containers.run("busybox", "ping -c1 -W5 other", network="joined", remove=True)
        self.assertIn(b"10.8.1.9", pinged)
        with self.assertRaises(docker.errors.APIError) as busy:
            network.remove()
        self.assertIn("has active endpoints", busy.exception.explanation)
        network.disconnect(container, force=True)
        container.reload()
        self.assertEqual(list(container.attrs["NetworkSettings"]["Networks"]), ["bridge"])

    def test_endpoint_config(self):
        """APIClient: create_networking_config with an address and aliases"""
        self.network("configured", ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.8.2.0/24")]))
        config = self.api.create_networking_config(
            {"configured": self.api.create_endpoint_config(aliases=["a1"], ipv4_address="10.8.2.22")}
        )
        made = self.api.create_container("busybox", "sleep 1000", networking_config=config, host_config=self.api.create_host_config(network_mode="configured"))
        self.addCleanup(lambda: self.api.remove_container(made, force=True))
        self.api.start(made)
        endpoint = self.api.inspect_container(made)["NetworkSettings"]["Networks"]["configured"]
        self.assertEqual(endpoint["IPAddress"], "10.8.2.22")
        self.assertIn("a1", endpoint["Aliases"])

    def test_modes(self):
        """network modes: host, none, of another container"""
        run = self.client.containers.run
        self.assertEqual(run("busybox", ["sh", "-c", "ls /sys/class/net"], network_mode="none", remove=True), b"lo\n")
        self.assertIn(b"docker0", run("busybox", "ls /sys/class/net", network_mode="host", remove=True))
        first = self.running(name="first")
        shared = run("busybox", "hostname -i", network_mode="container:first", remove=True)
        first.reload()
        self.assertEqual(shared.decode().strip(), first.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])

    def test_prune(self):
        """networks.prune"""
        self.network("unused", labels={"prune": "me"})
        self.assertEqual(self.client.networks.prune(filters={"label": "prune=me"}), {"NetworksDeleted": ["unused"]})

    def test_events(self):
        """events: decoded, filtered, since and until, closed meanwhile"""
        since = int(time.time())
        live = self.client.events(decode=True, filters={"type": "network", "network": "told"})
        seen = []
        reader = threading.Thread(target=lambda: seen.extend(live))
        reader.start()
        network = self.network("told")
        network.remove()
        time.sleep(0.3)
        live.close()
        reader.join(10)
        self.assertFalse(reader.is_alive())
        self.assertEqual([event["Action"] for event in seen], ["create", "destroy"])
        past = self.client.events(since=since, until=int(time.time()) + 1, filters={"network": "told"})
        lines = b"".join(past).splitlines()
        self.assertEqual([json.loads(line)["Action"] for line in lines], ["create", "destroy"])

    def test_system(self):
        """version, info, ping, api version negotiated"""
        self.assertTrue(self.client.ping())
        self.assertEqual(self.client.version()["Os"], "linux")
        self.assertEqual(self.client.info()["OSType"], "linux")
        self.assertEqual(self.api._version, self.client.version()["ApiVersion"])
