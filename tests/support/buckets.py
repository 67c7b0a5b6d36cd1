"""An S3 service on a loopback port, in a thread of the test, with one bucket."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "photos"


class Bucket:
    """The service with its bucket; it can go away and come back with all that it held."""

    def __init__(self) -> None:
        self._port = 0
        self.come_back()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def come_back(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()
        _, self._port = self._server.get_host_and_port()

    def go_away(self) -> None:
        self._server.stop()
        assert self._server._server is not None
        self._server._server.server_close()

    def put(self, *keys: str, content: bytes = b"") -> None:
        """Objects that hold their own key, unless a content is given."""
        for key in keys:
            self.client.put_object(Bucket=BUCKET, Key=key, Body=content or key.encode())

    def listed(self, prefix: str = "") -> list[str]:
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [item["Key"] for item in listed]

    def empty(self) -> None:
        for key in self.listed():
            self.client.delete_object(Bucket=BUCKET, Key=key)

    @property
    def client(self) -> Any:
        return boto3.client("s3")


@contextmanager
def running_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Run the service, and let boto3 find it and nothing else."""
    bucket = Bucket()
    for name, value in {
        "AWS_ENDPOINT_URL": bucket.address,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    bucket.client.create_bucket(Bucket=BUCKET)
    try:
        yield bucket
    finally:
        bucket.empty()
        bucket.client.delete_bucket(Bucket=BUCKET)
        bucket.go_away()
