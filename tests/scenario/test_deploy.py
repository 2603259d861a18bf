"""Ways to run it: the ledger elsewhere, keys that are exchanged, certificates of a CA."""
import shutil
import signal
import threading

import cbor
import client
import rig as r


def signed_by(ack):
    return client.open1(ack.endorsement)[0][4]


def test_ledger_elsewhere(pki, tmp_path):
    """One vouchd is the ledger, another the AS; the AS survives an outage of the ledger."""
    (tmp_path / "as").mkdir()
    (tmp_path / "ledger").mkdir()
    netsim = r.Netsim(tmp_path / "as", pki)
    vouchd = r.Vouchd(tmp_path / "as", pki, netsim)
    netsim.init(vouchd.port)
    vouchd.write(r.USERS)
    ledger_port, peer, server = r.free_port(), pki.issue("peer", "as1"), pki.issue("server", "ledger")
    text = vouchd.config.read_text().replace("roles: [ledger, as]", "roles: [as]")
    text = text.replace(f"ledger:\n  id: {vouchd.ledger_id}\n",
                        f"ledger:\n  id: {vouchd.ledger_id}\n"
                        f"  url: https://127.0.0.1:{ledger_port}\n  keys: ../ledger/state/keys/ledger.jwks\n"
                        f"  ca: {pki.ca}\n  client-cert: {peer}.crt\n  client-key: {peer}.key\n")
    vouchd.config.write_text(text)
    vouchd.init()
    config = tmp_path / "ledger" / "vouchd.yaml"
    config.write_text(
        f"roles: [ledger]\nstate: state\nport-file: ports.json\n"
        f"listeners:\n  - address: 127.0.0.1:{ledger_port}\n    serve: [ledger]\n"
        f"    tls: {{cert: {server}.crt, key: {server}.key, client-ca: {pki.ca}}}\n"
        f"ledger:\n  id: {vouchd.ledger_id}\n  submitters: [as1]\n"
        f"  enrol:\n    - {{role: as, name: {vouchd.as_id}, cert: ../as/state/keys/as.crt}}\n")
    r.run(r.program("vouchd"), "init", "--config", config)
    ledger = r.Process([r.program("vouchd"), "--config", config], tmp_path / "ledger.log")
    ready = client.Client(ledger_port, pki.ca)

    def start_ledger():
        ledger.start()
        r.until("the ledger listens", (tmp_path / "ledger/ports.json").exists)
        r.until("the ledger is ready", lambda: up(ready))

    try:
        start_ledger()
        netsim.start()
        vouchd.start()
        ids = netsim.accounts()
        first = vouchd.device(ids[0])
        verifier = client.Verifier(vouchd.trust())
        verifier.ack(first.register())
        assert ready.call("GET", "/ledger/v1/head").status == 401
        stranger = client.Client(ledger_port, pki.ca, pki.issue("client", "buyer"))
        assert stranger.call("POST", "/ledger/v1/entries", b"x", "application/cose").status == 403

        ledger.stop(signal.SIGKILL)
        second = vouchd.device(ids[1])
        request = second.request()
        answer = second.send(request)
        assert answer.status in (502, 503), answer.body
        assert vouchd.client().call("GET", "/ready").status == 503
        (tmp_path / "ledger/ports.json").unlink()
        start_ledger()
        answer = r.until("it goes on", lambda: (lambda a: a if a.status < 300 else None)(
            second.send(request)))
        ack = client.Ack(cbor.loads(answer.body))
        verifier.ack(ack)
        assert client.Ack(cbor.loads(second.send(request).body)).txid == ack.txid
        r.until("ready again", lambda: vouchd.client().call("GET", "/ready").status == 200)
    finally:
        vouchd.stop()
        netsim.stop()
        ledger.stop()


def up(c):
    try:
        return c.call("GET", "/health").status == 200
    except OSError:
        return False


def test_key_rotation(pki, tmp_path):
    """req-test: Y.2247-8.1.3-2, Y.2247-7.2.2-17: a successor enrolled beforehand takes over while devices
    register; what the old key signed stays good."""
    netsim = r.Netsim(tmp_path, pki)
    vouchd = r.Vouchd(tmp_path, pki, netsim)
    netsim.init(vouchd.port)
    vouchd.write(r.USERS)
    # the successor's key, under the same passphrase, and its certificate from a CA
    r.run(r.program("vouchd"), "keys", "--config", vouchd.config)
    spare = tmp_path / "spare.yaml"
    spare.write_text(vouchd.config.read_text().replace(
        "state: state", "state: spare\npassphrase-file: state/keys/passphrase"))
    r.run(r.program("vouchd"), "keys", "--config", spare)
    r.run(r.program("vouch"), "pki", "issue", "signing", "--ca", pki.folder / "ca", "--name", "as1",
          "--dns", vouchd.as_id, "--pubkey", tmp_path / "spare/keys/as.pub", "--out", tmp_path / "spare-as")
    vouchd.config.write_text(vouchd.config.read_text().replace(
        f"ledger:\n  id: {vouchd.ledger_id}\n", f"ledger:\n  id: {vouchd.ledger_id}\n  enrol:\n"
        f"    - {{role: as, name: {vouchd.as_id}, cert: spare-as.crt}}\n"))
    vouchd.init()
    try:
        netsim.start()
        vouchd.start()
        ids = netsim.accounts()
        old = vouchd.device(ids[0])
        before = old.register()
        r.until("watched", lambda: vouchd.audit("subscribed"))
        assert vouchd.metric("vouch_as_certificate_days_left") > 1000

        keys = tmp_path / "state" / "keys"
        # a certificate that is not the key's: refused, the old pair stays in use
        (keys / "as.crt").write_bytes((tmp_path / "spare-as.crt").read_bytes())
        hup(vouchd)
        assert vouchd.audit("signing-key-refused")[-1]["code"] == "as-key-unfit"
        assert signed_by(vouchd.device(ids[1]).register()) == signed_by(before)

        shutil.copy(tmp_path / "spare/keys/as.key", keys / "as.key")
        acks, devices = [], [vouchd.device(i) for i in ids[2:12]]
        load = threading.Thread(target=lambda: acks.extend(d.register() for d in devices))
        load.start()
        hup(vouchd)
        load.join()
        assert len(acks) == len(devices)  # not one registration failed
        after = vouchd.device(ids[12]).register()
        assert signed_by(after) != signed_by(before)
        netsim.ctl("suspend", ids[0])
        (update,) = r.until("update", old.updates)
        assert signed_by(update) == signed_by(after)
        assert client.open1(update.endorsement)[0][34] != client.open1(before.endorsement)[0][34]
        verifier = vouchd.verifier()
        for ack in (before, after, update, *acks):
            verifier.ack(ack)
        got = vouchd.client("inspector").post_json(
            "/rp-ds/v1/records", {"txid": before.txid.hex()}, client.CT_BUNDLE)
        ((_, der),) = [x for x in cbor.sequence(got.body) if x[0] == 3]
        assert client.sha256(der) == client.open1(before.endorsement)[0][34][1]  # the old one is kept
    finally:
        vouchd.stop()
        netsim.stop()


def hup(vouchd):
    """Returns when key and certificate were read again, and taken or not."""
    def seen():
        return [e for e in vouchd.audit() if e["event"].startswith("signing-key-")]

    n = len(seen())
    vouchd.process.child.send_signal(signal.SIGHUP)
    r.until("reloaded", lambda: len(seen()) > n)
