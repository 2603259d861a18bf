"""Real programs on 127.0.0.1: certificates, simulated operators, vouchd."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import client
import p256

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("VOUCH_BUILD", ROOT / "build"))
LONG = 60  # seconds after which a test gives up; none of them waits that long when all is well


def program(name):
    return BUILD / "apps" / name


def run(*args, status=0, data=None):
    done = subprocess.run([str(a) for a in args], input=data, capture_output=True, timeout=120)
    assert done.returncode == status, (args, done.returncode, done.stdout[-3000:],
                                       done.stderr[-3000:])
    return done.stdout


def until(what, fn):
    """Waits for FN to give something true."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        value = fn()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Pki:
    def __init__(self, folder):
        self.folder = folder
        self.ca = folder / "ca.crt"
        run(program("vouch"), "pki", "ca", "--name", "Test CA", "--plain", "--out", folder / "ca")

    def issue(self, use, name, **names):
        stem = self.folder / name
        if not pathlib.Path(f"{stem}.crt").exists():
            args = ["--ip", "127.0.0.1", "--dns", "localhost", "--dns", name]
            run(program("vouch"), "pki", "issue", use, "--ca", self.folder / "ca", "--plain",
                "--name", name, *args, "--out", stem)
        return stem


class Process:
    """A program that writes its own log; killed only by its own number."""

    def __init__(self, args, log):
        self.args, self.log, self.child = [str(a) for a in args], log, None

    def start(self):
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen(self.args, stdout=out, stderr=out,
                                          stdin=subprocess.DEVNULL)

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def stop(self, sig=signal.SIGTERM):
        if self.alive():
            self.child.send_signal(sig)
            self.child.wait(LONG)
        return self.child.returncode if self.child else None

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]


class Netsim:
    """One or more operators with invented subscribers."""

    def __init__(self, folder, pki, operators=("op1.example",), policy="", subscribers=80):
        self.folder, self.pki, self.operators = folder, pki, operators
        self.ports = {op: free_port() for op in operators}
        self.policy, self.subscribers = policy, subscribers
        self.config = folder / "netsim.yaml"
        self.process = Process([program("vouch-netsim"), "run", "--config", self.config],
                               folder / "netsim.log")

    def keys_file(self, op):
        return self.folder / f"{op}-keys.json"

    def init(self, as_port):
        text = "operators:\n"
        for n, op in enumerate(self.operators):
            key = p256.Key()
            path = self.folder / f"{op}-sign.key"
            path.write_text(key.pem())
            path.chmod(0o600)
            self.keys_file(op).write_text(json.dumps({"keys": [key.jwk()]}))
            tls = self.pki.issue("peer", op)
            text += (f"  - id: {op}\n"
                     f"    listen: 127.0.0.1:{self.ports[op]}\n"
                     f"    database: {op}.db\n    seed: {n + 1}\n"
                     f"    signing-key: {op}-sign.key\n"
                     f"    tls: {{cert: {tls}.crt, key: {tls}.key, client-ca: {self.pki.ca}}}\n"
                     f"    numbering: {{mnc: '0{n + 1}', msisdn-prefix: '+9990{n + 1}'}}\n"
                     f"    subscribers: {self.subscribers}\n"
                     f"    delivery: {{backoff-min: 20ms, backoff-max: 200ms}}\n"
                     f"{self.policy}"
                     f"    clients:\n"
                     f"      - id: as1\n"
                     f"        certs: ['{self.pki.issue('peer', 'as1')}.crt']\n"
                     f"        sinks: ['https://127.0.0.1:{as_port}/rp-edi/']\n"
                     f"        segments: ['*']\n")
        self.config.write_text(text)
        run(program("vouch-netsim"), "init", "--config", self.config)

    def start(self):
        self.process.start()
        for port in self.ports.values():
            until("netsim listens", lambda: self.listens(port))

    def listens(self, port):
        assert self.process.alive(), self.process.tail()
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def stop(self, sig=signal.SIGTERM):
        return self.process.stop(sig)

    def ctl(self, verb, ids, *args, op=None):
        op = op or self.operators[0]
        return run(program("vouch-netsim"), "ctl", verb, "--config", self.config, "--operator", op,
                   "--msisdn", ids["msisdn"], *args)

    def accounts(self, op=None):
        """Identifiers of the subscribers."""
        op = op or self.operators[0]
        out = json.loads(run(program("vouch-netsim"), "ctl", "show", "--config", self.config,
                             "--operator", op, "--limit", "100", "--json"))
        rows = out if isinstance(out, list) else out["accounts"]
        return [self.ids_of(r) for r in rows]

    @staticmethod
    def ids_of(row):
        found = {}

        def walk(value):
            if isinstance(value, dict):
                for k, v in value.items():
                    if k in ("imei", "iccid", "msisdn") and isinstance(v, str):
                        found.setdefault(k, v)
                    walk(v)
        walk(row)
        return {k: found[k] for k in ("imei", "iccid", "msisdn")}


class Vouchd:
    def __init__(self, folder, pki, netsim=None, as_id="as1.op1.example", **more):
        self.folder, self.pki, self.netsim, self.as_id = folder, pki, netsim, as_id
        self.port, self.admin_port = free_port(), None
        self.url = f"https://127.0.0.1:{self.port}"
        self.ledger_id = "ledger.op1.example/divs"
        self.more = more
        self.config = folder / "vouchd.yaml"
        self.ports_file = folder / "ports.json"
        self.users = folder / "users.yaml"
        self.process = Process([program("vouchd"), "--config", self.config], folder / "vouchd.log")

    def operators(self):
        text = ""
        for op in (self.netsim.operators if self.netsim else ()):
            tls = self.pki.issue("peer", "as1")
            text += (f"    - id: {op}\n      url: https://127.0.0.1:{self.netsim.ports[op]}\n"
                     f"      client-id: as1\n      ca: {self.pki.ca}\n"
                     f"      cert: {tls}.crt\n      key: {tls}.key\n"
                     f"      keys: {self.netsim.keys_file(op)}\n      timeout: 5s\n")
            if len(self.netsim.operators) > 1:
                n = self.netsim.operators.index(op) + 1
                text += f"      prefixes: ['+9990{n}']\n"
        return "  operators:\n" + text if text else ""

    def write(self, users="users: []\n", accounts="", registration=""):
        tls = self.pki.issue("server", "vouchd")
        listener = (f"    tls: {{cert: {tls}.crt, key: {tls}.key, client-ca: {self.pki.ca}}}\n")
        self.users.write_text(users)
        self.users.chmod(0o600)
        self.config.write_text(
            f"roles: [ledger, as]\nstate: state\nport-file: ports.json\n"
            f"log: {{file: vouchd-events.log, level: debug}}\n"
            f"listeners:\n"
            f"  - name: main\n    address: 127.0.0.1:{self.port}\n"
            f"    serve: [rp-ud, rp-ds, rp-edi, keys]\n{listener}"
            f"  - name: admin\n    address: 127.0.0.1:0\n    serve: [admin, metrics]\n{listener}"
            f"ledger:\n  id: {self.ledger_id}\n"
            f"as:\n  id: {self.as_id}\n  url: {self.url}\n  users: users.yaml\n"
            f"{self.operators()}"
            f"  registration: {{{registration or 'rate-per-second: 1000, rate-burst: 1000'}}}\n"
            f"  accounts: {{{accounts or 'check-every: 0s'}}}\n")

    def init(self):
        run(program("vouchd"), "init", "--config", self.config)

    def start(self):
        self.ports_file.unlink(missing_ok=True)
        self.process.start()
        until("vouchd listens", self.listening)
        until("vouchd is ready", lambda: self.client().call("GET", "/ready").status == 200)

    def listening(self):
        assert self.process.alive(), self.process.tail()
        if not self.ports_file.exists():
            return False
        ports = {l["name"]: l["port"] for l in json.loads(self.ports_file.read_text())["listeners"]}
        self.admin_port = ports["admin"]
        return True

    def stop(self, sig=signal.SIGTERM):
        return self.process.stop(sig)

    def kill(self):
        return self.process.stop(signal.SIGKILL)

    def restart(self, sig=signal.SIGTERM):
        self.stop(sig)
        self.start()

    # ---- callers
    def client(self, name=None):
        stem = self.pki.issue("client", name) if name else None
        return client.Client(self.port, self.pki.ca, stem)

    def admin(self, name="admin"):
        return client.Client(self.admin_port, self.pki.ca, self.pki.issue("client", name))

    def device(self, ids, key=None, cert=None):
        return client.Device(self.client(cert), self.as_id, ids, key)

    def trust(self):
        return json.loads(run(program("vouchd"), "export-trust", "--config", self.config))

    def verifier(self):
        return client.Verifier(self.trust())

    # ---- what it wrote
    def audit(self, event=None):
        path = self.folder / "state" / "audit.jsonl"
        lines = [json.loads(l) for l in path.read_text().splitlines() if l.endswith("}")]
        return [l for l in lines if event is None or l["event"] == event]

    def metric(self, name):
        text = self.admin().call("GET", "/metrics").body.decode()
        return sum(float(l.rsplit(" ", 1)[1]) for l in text.splitlines()
                   if l.startswith(name) and not l.startswith("#"))

    def operator_calls(self):
        return self.metric("vouch_as_operator_calls_total")

    def recorded(self):
        return self.metric("vouch_as_endorsements_total")


USERS = """users:
  - name: admin
    role: admin
    common-name: admin
  - name: buyer
    role: service-user
    common-name: buyer
    fields: [status, start, end, terminated-at, reason, standing]
  - name: inspector
    role: service-user
    common-name: inspector
    fields: [all]
  - name: reader
    role: service-user
    common-name: reader
    operations: [records]
    fields: [end]
    batch-max: 3
"""


class Rig:
    """An operator, a ledger and an AS."""

    def __init__(self, folder, pki, operators=("op1.example",), policy="", **config):
        self.netsim = Netsim(folder, pki, operators, policy)
        self.vouchd = Vouchd(folder, pki, self.netsim)
        self.netsim.init(self.vouchd.port)
        self.vouchd.write(config.pop("users", USERS), **config)
        self.vouchd.init()
        self.netsim.start()
        self.vouchd.start()
        self.unused = {op: self.netsim.accounts(op) for op in operators}

    def ids(self, op=None):
        """Identifiers of a subscriber that no test has used."""
        return self.unused[op or self.netsim.operators[0]].pop(0)

    def device(self, ids=None, **more):
        return self.vouchd.device(ids or self.ids(), **more)

    def close(self):
        self.vouchd.stop()
        self.netsim.stop()
