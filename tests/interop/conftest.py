"""Programs under test and independent implementations beside them."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VOUCH_BUILD", ROOT / "build"))


def program(path):
    p = BUILD / path
    if not p.exists():
        pytest.skip(f"{path} is not built")
    return p


class Device:
    """`vouch device` on one directory."""

    def __init__(self, vouch, folder):
        self.vouch, self.folder = vouch, folder
        self.passphrase = folder.parent / "passphrase"
        self.passphrase.write_text("correct horse battery staple\n")

    def run(self, verb, *args, data=None, status=0):
        done = subprocess.run(
            [self.vouch, "device", verb, "--state", self.folder, "--passphrase-file", self.passphrase,
             *args], input=data, capture_output=True, timeout=120)
        assert done.returncode == status, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
        return done

    def init(self, server, *args, status=0):
        key = self.folder.parent / "as.pub"
        key.write_bytes(server.as_key.pem())
        ledger = self.folder.parent / "ledger.pub"
        ledger.write_bytes(server.ledger_key.pem())
        return self.run("init", "--as", server.as_id, "--as-url", server.url, "--as-key", key,
                        "--ledger", server.ledger_id, "--ledger-key", ledger, "--custody", "file",
                        "--imei", "001010000000016", "--msisdn", "+10000000000", *args, status=status)


@pytest.fixture
def vouch():
    return program("apps/vouch")


@pytest.fixture
def device(vouch, tmp_path):
    return Device(vouch, tmp_path / "device")


@pytest.fixture
def server():
    pytest.importorskip("cbor2")
    pytest.importorskip("cryptography")
    import rp_ud

    s = rp_ud.Server()
    s.start()
    yield s
    s.stop()
