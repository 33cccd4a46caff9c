import io
import tarfile

import docker

from images import archive
from scenarios import Scenario


class Files(Scenario):
    def test_archives(self):
        """put_archive, get_archive"""
        container = self.running()
        self.assertTrue(container.put_archive("/tmp", archive(put=b"content")))
        self.assertEqual(container.exec_run("cat /tmp/put").output, b"content")
        pieces, stat = container.get_archive("/tmp/put")
        self.assertEqual((stat["name"], stat["size"]), ("put", 7))
        with tarfile.open(fileobj=io.BytesIO(b"".join(pieces))) as tar:
            self.assertEqual(tar.extractfile("put").read(), b"content")
        with self.assertRaises(docker.errors.NotFound):
            container.get_archive("/absent")

    def test_changes(self):
        """diff, export, commit"""
        container = self.running()
        container.exec_run(["sh", "-c", "echo kept >/kept"])
        self.assertIn({"Path": "/kept", "Kind": 1}, container.diff())
        with tarfile.open(fileobj=io.BytesIO(b"".join(container.export()))) as tar:
            self.assertEqual(tar.extractfile("kept").read(), b"kept\n")
        image = container.commit("py/committed", tag="1", message="why", author="me", changes=["ENV A=b"])
        self.addCleanup(lambda: self.client.images.remove("py/committed:1", force=True))
        shown = self.client.containers.run(image, ["sh", "-c", "cat /kept; echo $A"], remove=True)
        self.assertEqual(shown, b"kept\nb\n")


class Volumes(Scenario):
    def test_volumes(self):
        """volumes: create, list, get, mount, remove, prune"""
        volume = self.client.volumes.create("py-kept", labels={"part": "volumes"})
        self.assertEqual((volume.name, volume.attrs["Driver"]), ("py-kept", "local"))
        run = self.client.containers.run
        run("busybox", ["sh", "-c", "echo written >/data/file"], volumes={"py-kept": {"bind": "/data", "mode": "rw"}}, remove=True)
        mount = docker.types.Mount("/other", "py-kept", read_only=True)
        self.assertEqual(run("busybox", "cat /other/file", mounts=[mount], remove=True), b"written\n")
        self.assertEqual(self.client.volumes.list(filters={"label": "part=volumes"}), [volume])
        volume.remove()
        with self.assertRaises(docker.errors.NotFound):
            self.client.volumes.get("py-kept")
        self.client.volumes.create("py-unused")
        self.assertEqual(self.client.volumes.prune(filters={"all": True})["VolumesDeleted"], ["py-unused"])
