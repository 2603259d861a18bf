"""No identifier is readable in anything that the AS writes, and none can be tested against it."""
import base64
import hashlib

from rig import until


def spellings(text):
    """TEXT as it might lie in a file: plain, encoded, packed, or as a digest that could be tried out."""
    raw = text.encode()
    digits = text.strip("+")
    out = {raw, raw.hex().encode(), base64.b64encode(raw).rstrip(b"="), digits.encode(),
           hashlib.sha256(raw).digest(), hashlib.sha256(digits.encode()).digest(),
           hashlib.sha1(raw).digest(), hashlib.md5(raw).digest()}
    out |= {d.hex().encode() for d in list(out) if len(d) in (16, 20, 32) and not d.isascii()}
    n = int(digits)
    out |= {n.to_bytes(9, "big").lstrip(b"\0"), n.to_bytes(9, "little").rstrip(b"\0")}
    swapped = "".join(b + a for a, b in zip((digits + "f")[::2], (digits + "f")[1::2]))
    out.add(bytes.fromhex(swapped[:len(swapped) // 2 * 2]))
    return {s for s in out if len(s) >= 6}


def test_no_identifier_anywhere(own_rig):
    """req-test: Y.2247-11-4, Y.2247-11-5"""
    rig = own_rig
    devices = [rig.device() for _ in range(3)]
    for d in devices:
        d.register()
    until("watched", lambda: len(rig.vouchd.audit("subscribed")) == 3)
    rig.netsim.ctl("suspend", devices[0].ids)
    until("update", devices[0].updates)
    other = rig.ids()
    bad = rig.device({**devices[1].ids, "imei": other["imei"]})
    bad.send(bad.request())
    inspector = rig.vouchd.client("inspector")
    assert inspector.post_json("/rp-ds/v1/lookup",
                               {"identity": {"imei": devices[0].ids["imei"]}}).status == 200
    inspector.post_json("/rp-ds/v1/lookup", {"identity": {"imei": other["imei"]}})
    inspector.post_json("/rp-ds/v1/records", {"txid": devices[0].ids["iccid"]})
    wanted = {}
    for ids in [d.ids for d in devices] + [other]:
        for kind, text in ids.items():
            for s in spellings(text):
                wanted[s] = f"{kind} {text}"
    rig.vouchd.stop()
    searched = 0
    state = [p for p in (rig.vouchd.folder / "state").rglob("*") if p.is_file()]
    logs = [rig.vouchd.folder / "vouchd.log", rig.vouchd.folder / "vouchd-events.log"]
    for path in state + logs:
        data = path.read_bytes().rstrip(b"\0")
        searched += len(data)
        for needle, what in wanted.items():
            assert needle not in data, f"{what} in {path}"
    assert searched > 100_000  # ledger, vault, keys and logs were there to be searched
    assert any(p.suffix == ".vlog" for p in state) and any("vault" in str(p) for p in state)


def test_two_registrations_do_not_link(own_rig):
    """The same identity under two keys: nothing in the two records is the same but who issued them."""
    rig = own_rig
    first = rig.device()
    a = first.register()
    rig.vouchd.admin().post_json("/admin/v1/reports", {"subject": a.subject, "reason": "key-released"})
    b = rig.device(first.ids).register()
    assert a.subject != b.subject and not set(a.digests) & set(b.digests)
    assert a.registration != b.registration
