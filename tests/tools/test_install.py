"""`make install`: what lands where, and a program of somebody else's built with it."""
import hashlib
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VOUCH_BUILD", ROOT / "build"))

PROGRAM = """
#include <stdio.h>
#include <vouch/cbor/cbor.h>
#include <vouch/cose/sign1.h>
#include <vouch/ossl/crypto.h>
#include <vouch/stmt/statement.h>
#include <vouch/verify/report.h>

int main(void)
{
    static const uint8_t item[] = {0x82, 0x01, 0xf5};
    uint8_t room[64] = {0};
    struct vch_writer w = vch_writer(vch_span(room, sizeof(room) - 1));
    struct vch_hash h;

    if (!vch_ok(vch_cbor_diag(VCH_BYTES_OF(item), &w))) {
        return 1;
    }
    vch_sha256_of(vch_ossl_crypto(), VCH_BYTES_OF(item), &h);
    return printf("%s %02x\\n", (const char *)room, h.b[0]) < 0;
}
"""


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    if not (BUILD / "build.ninja").exists():
        pytest.skip("nothing is built")
    root = tmp_path_factory.mktemp("installed")
    run("make", "-s", "install", f"BUILD={BUILD}", f"DESTDIR={root}", "PREFIX=/opt/vouch", cwd=ROOT)
    return root / "opt/vouch"


def test_programs_run_and_have_a_manual(installed):
    for program, section in (("vouch", 1), ("vouchd", 8), ("vouch-netsim", 8)):
        assert program in run(installed / "bin" / program, "--help")
        page = installed / f"share/man/man{section}/{program}.{section}"
        assert page.stat().st_size > 500


def test_a_foreign_program_builds_with_the_library(installed, tmp_path):
    if shutil.which("pkg-config") is None or not (BUILD / "libvouch.a").exists():
        pytest.skip("no pkg-config")
    (tmp_path / "a.c").write_text(PROGRAM)
    env = dict(os.environ, PKG_CONFIG_PATH=str(installed / "lib/pkgconfig"))
    flags = run("pkg-config", "--cflags", "--libs", "vouch-openssl", env=env).split()
    sanitizer = [] if "san" not in BUILD.name else ["-fsanitize=address,undefined"]
    run("gcc", "-std=c17", "-Wall", "-Werror", *sanitizer, "-o", tmp_path / "a", tmp_path / "a.c", *flags)
    assert run(tmp_path / "a") == f"[\n  1,\n  true\n] {hashlib.sha256(bytes.fromhex('8201f5')).hexdigest()[:2]}\n"


def test_the_library_needs_no_other(installed):
    """libvouch alone: no symbol of OpenSSL, no heap but base's, no clock."""
    undefined = set()
    defined = set()
    for line in run("nm", installed / "lib/libvouch.a").splitlines():
        words = line.split()
        if len(words) >= 2 and words[-2] in "UTRDBV":
            (undefined if words[-2] == "U" else defined).add(words[-1])
    assert not [s for s in undefined - defined if s.startswith(("EVP_", "vch_", "clock_", "time"))]
