import io
import os
import tarfile

import docker

from scenarios import Scenario


def archive(**files):
    """A tar archive with these files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return whole.getvalue()


class Images(Scenario):
    def imported(self, repository, **files):
        self.api.import_image_from_data(archive(**files), repository=repository, tag="1")
        self.addCleanup(self.removed, f"{repository}:1")
        return self.client.images.get(f"{repository}:1")

    def removed(self, name):
        try:
            self.client.images.remove(name, force=True)
        except docker.errors.ImageNotFound:
            pass

    def test_names(self):
        """images: list, get, tag, remove, ImageNotFound"""
        image = self.imported("py/made", content=b"made")
        self.assertTrue(image.tag("py/other", "2"))
        image.reload()
        self.assertEqual(sorted(image.tags), ["py/made:1", "py/other:2"])
        self.assertEqual(self.client.images.list(name="py/other"), [image])
        self.assertEqual(self.client.images.list(filters={"reference": "py/*"}), [image])
        self.client.images.remove("py/other:2")
        self.client.images.remove(image.id)
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.images.get("py/made:1")

    def test_archives(self):
        """save, load, history"""
        image = self.imported("py/saved", content=b"saved")
        saved = b"".join(image.save(named=True))
        history = image.history()
        self.assertEqual((len(history), history[0]["Id"]), (1, image.id))
        self.client.images.remove("py/saved:1")
        self.assertEqual(self.client.images.load(saved), [image])
        self.assertEqual(self.client.images.get("py/saved:1").id, image.id)

    def test_import(self):
        """import_image from a file and from bytes, with changes"""
        answer = self.api.import_image_from_data(archive(a=b"b"), repository="py/plain", changes=["CMD [\"/a\"]"])
        self.addCleanup(self.removed, "py/plain:latest")
        self.assertIn("sha256:", answer)
        self.assertEqual(self.client.images.get("py/plain").attrs["Config"]["Cmd"], ["/a"])

    def test_registry(self):
        """pull: a registry that is not there, a name that is none"""
        with self.assertRaises(docker.errors.APIError) as away:
            self.client.images.pull("127.0.0.1:9/x", tag="1")
        self.assertIn("connection refused", str(away.exception))
        with self.assertRaises(docker.errors.APIError) as wrong:
            self.client.images.pull("UPPER")
        self.assertEqual(wrong.exception.status_code, 400)

    def test_prune(self):
        """images.prune"""
        image = self.imported("py/unused", content=b"unused")
        self.client.images.remove("py/unused:1", noprune=True)
        pruned = self.client.images.prune(filters={"dangling": True})
        self.assertIn("SpaceReclaimed", pruned)
        with self.assertRaises(docker.errors.ImageNotFound):
            self.client.images.get(image.id)


class Registry(Scenario):
    def test_push_and_pull(self):
        """push and pull with their progress, with credentials; login"""
        registry = os.environ["REGISTRY"]
        name = f"{registry}/py/pushed"
        self.api.import_image_from_data(archive(content=b"pushed"), repository=name, tag="1")
        auth = {"username": "u", "password": "secret"}
        pushed = list(self.client.images.push(name, tag="1", auth_config=auth, stream=True, decode=True))
        digest = next(line["aux"]["Digest"] for line in pushed if "aux" in line)
        self.client.images.remove(f"{name}:1")
        pulled = list(self.api.pull(name, tag="1", auth_config=auth, stream=True, decode=True))
        self.assertTrue(any(line.get("status") == "Pull complete" for line in pulled))
        image = self.client.images.get(f"{name}:1")
        self.assertIn(f"{name}@{digest}", image.attrs["RepoDigests"])
        self.client.images.remove(f"{name}:1")
        self.assertEqual(self.client.images.pull(name, tag="1", auth_config=auth).id, image.id)
        self.client.images.remove(f"{name}:1")
        with self.assertRaises(docker.errors.ImageNotFound) as denied:
            self.client.images.pull(name, tag="1", auth_config={**auth, "password": "wrong"})
        self.assertIn("pull access denied", str(denied.exception))
        with self.assertRaises(docker.errors.APIError):
            self.client.login(username="u", password="wrong", registry=registry)
        self.client.login(**auth, registry=registry)
