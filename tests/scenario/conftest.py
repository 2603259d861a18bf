"""Fixtures with real programs. `rig` is shared by the tests of a file and restarted by nobody; `own_rig`
makes one for a test that stops or kills things."""
import pytest

import rig as r


def pytest_collection_modifyitems(items):
    missing = [n for n in ("vouch", "vouchd", "vouch-netsim") if not r.program(n).exists()]
    for item in items if missing else []:
        item.add_marker(pytest.mark.skip(reason=f"not built: {', '.join(missing)}"))


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    return r.Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def rig(pki, tmp_path_factory):
    made = r.Rig(tmp_path_factory.mktemp("rig"), pki)
    yield made
    made.close()


@pytest.fixture
def make_rig(pki, tmp_path):
    made = []

    def make(**config):
        folder = tmp_path / f"rig{len(made)}"
        folder.mkdir()
        made.append(r.Rig(folder, pki, **config))
        return made[-1]

    yield make
    for m in made:
        m.close()


@pytest.fixture
def own_rig(make_rig):
    return make_rig()
