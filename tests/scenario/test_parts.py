"""The four parts of the AS keep apart. req-test: Y.2247-8-1: the signalling part reaches signing key, vault
files and ledger through data management only."""
import re
import subprocess

import pytest

from rig import BUILD, ROOT

OBJECTS = BUILD / "src/as/CMakeFiles/vch_as.dir"
LEDGER = r"vch_ledger_(submit|get|entry_at|latest|state_proof|head|inclusion|consistency|authorities|" \
         r"follow|history|close)\b"
KEYS = r"vch_ossl_key_|(->|\.)sign\b|vch_stmt_endorsement_encode"
STORE = r"vch_kv_|vch_as_slots_"
NETWORK = r"vch_http_(reply|call|client|server|problem|header|param|accept)|vch_edi_(retrieve|match|" \
          r"subscribe|modify|cancel|list|sub_get|event_verify|events_after|open)\b"
FORBIDDEN = {
    "signal": [LEDGER, KEYS, STORE, r"vch_as_chain_"],
    "access": [LEDGER, KEYS, STORE, r"vch_as_(chain|data|vault)_", r"vch_edi_"],
    "data": [LEDGER, NETWORK],
    "ledger": [KEYS, STORE, NETWORK, r"vch_as_(data|vault)_"],
}
MAY = {"signal/cef.c": NETWORK}  # the table over the client of RP-edi


def undefined(path):
    out = subprocess.run(["nm", "-u", str(path)], capture_output=True, text=True, check=True).stdout
    return [line.split()[-1] for line in out.splitlines() if line.strip()]


def code(path):
    """Without comments."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)


@pytest.mark.parametrize("part", FORBIDDEN)
def test_part(part):
    objects = sorted((OBJECTS / part).glob("*.o"))
    sources = sorted((ROOT / "src/as" / part).glob("*.c"))
    if not objects:
        pytest.skip("not built")
    assert len(objects) == len(sources)
    for pattern in FORBIDDEN[part]:
        for o in objects:
            assert [s for s in undefined(o) if re.match(pattern, s)] == [], o.name
        for s in sources:
            assert re.findall(pattern, code(s)) == [], s.name


def test_the_rules_can_fail():
    """What the rules look for exists where it belongs."""
    assert any(re.match(r"vch_as_slots_", s) for o in (OBJECTS / "data").glob("*.o")
               for s in undefined(o))
    assert re.search(LEDGER, code(ROOT / "src/as/ledger/chain.c"))
    assert re.search(KEYS, code(ROOT / "src/as/data/signing.c"))
    assert re.search(MAY["signal/cef.c"], code(ROOT / "src/as/signal/cef.c"))
