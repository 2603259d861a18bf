"""A whole world on loopback, made with the programs' own commands: certificate authorities, mobile
operators (vouch-netsim), a ledger and an application server (vouchd), devices, aggregator, consumers.

The demo, the benchmark and the scenario tests use it. Standard library only.
"""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time

LEDGER_ID = "ledger.demo.example/divs"
AS_ID = "as.demo.example"


class Failed(Exception):
    """A command that should have succeeded did not."""


def free_ports(n):
    socks = [socket.socket() for _ in range(n)]
    for s in socks:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in socks]
    for s in socks:
        s.close()
    return ports


OPERATORS = [
    # id, digits of its numbers, of its SIMs, of its equipment, policy lines
    {"id": "op-north.example", "msisdn": "+99901", "iccid": "8999901", "tac": "0010010", "policy": ""},
    {"id": "op-south.example", "msisdn": "+99902", "iccid": "8999902", "tac": "0010020",
     "policy": "    policy:\n      match-only: [imei, msisdn]\n"},
    {"id": "plant-7.private.example", "msisdn": "+99903", "iccid": "8999903", "tac": "0010030",
     "policy": ""},
]


class World:
    """Everything below FOLDER; the programs are in BUILD/apps."""

    def __init__(self, folder, build="build", subscribers=40, operators=3, log_level="info", extra_as=""):
        self.folder = os.path.abspath(folder)
        self.apps = os.path.abspath(os.path.join(build, "apps"))
        self.subscribers = subscribers
        self.operators = OPERATORS[:operators]
        self.log_level = log_level
        self.extra_as = extra_as
        self.processes = {}
        ports = free_ports(len(self.operators) + 1)
        self.as_port, self.op_ports = ports[0], ports[1:]
        self.as_url = f"https://localhost:{self.as_port}"

    # ---- running commands
    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def run(self, program, *args, check=True, stdin=None, timeout=120):
        """Runs one of our programs; returns the completed process, whose output is text."""
        p = subprocess.run([os.path.join(self.apps, program), *map(str, args)], capture_output=True,
                           text=not isinstance(stdin, bytes), input=stdin, cwd=self.folder, timeout=timeout,
                           check=False)
        if check and p.returncode != 0:
            raise Failed(f"{program} {' '.join(map(str, args))}: {p.returncode}\n{p.stdout}\n{p.stderr}")
        return p

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    # ---- certificates
    def pki(self):
        os.makedirs(self.path("pki"), exist_ok=True)
        os.makedirs(self.path("op"), exist_ok=True)
        self.run("vouch", "pki", "ca", "--name", "Demo root", "--plain", "--out", "pki/ca")
        local = ["--dns", "localhost", "--ip", "127.0.0.1"]
        issue = ["pki", "issue", "--ca", "pki/ca", "--plain"]
        self.run("vouch", *issue, "server", "--name", AS_ID, "--dns", AS_ID, *local, "--out", "pki/as-tls")
        self.run("vouch", *issue, "client", "--name", AS_ID, "--dns", AS_ID, "--out", "pki/as-client")
        for op in self.operators:
            self.run("vouch", *issue, "peer", "--name", op["id"], "--dns", op["id"], *local,
                     "--out", f"op/{op['id']}")
            self.run("vouch", *issue, "signing", "--name", op["id"], "--dns", op["id"],
                     "--out", f"op/{op['id']}-signing")
        for user in ("aggregator", "consumer-a", "consumer-b"):
            self.run("vouch", *issue, "client", "--name", user, "--dns", f"{user}.demo.example",
                     "--out", f"pki/{user}")
        self.run("vouch", *issue, "signing", "--name", "aggregator-1", "--dns", "aggregator-1",
                 "--out", "pki/aggregator-signing")

    # ---- operators
    def netsim_config(self):
        text = f"log:\n  file: netsim.log\n  level: {self.log_level}\noperators:\n"
        for op, port in zip(self.operators, self.op_ports):
            text += f"""  - id: {op['id']}
    listen: 127.0.0.1:{port}
    database: op/{op['id']}.sqlite
    signing-key: op/{op['id']}-signing.key
    tls:
      cert: op/{op['id']}.crt
      key: op/{op['id']}.key
      client-ca: pki/ca.crt
    subscribers: {self.subscribers}
    numbering:
      msisdn-prefix: "{op['msisdn']}"
      iccid-prefix: "{op['iccid']}"
      tac-prefix: "{op['tac']}"
{op['policy']}    delivery:
      backoff-min: 200ms
    clients:
      - id: {AS_ID}
        certs: [pki/as-client.crt]
        sinks: ["{self.as_url}/"]
        segments: ["*"]
"""
        self.write("netsim.yaml", text)

    def pin_operator_keys(self):
        """Each operator's evidence keys, as its administrator would hand them over."""
        context = ssl.create_default_context(cafile=self.path("pki/ca.crt"))
        context.load_cert_chain(self.path("pki/as-client.crt"), self.path("pki/as-client.key"))
        for op, port in zip(self.operators, self.op_ports):
            c = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
            c.request("GET", "/oauth2/jwks")
            r = c.getresponse()
            text = r.read().decode()
            if r.status != 200:
                raise Failed(f"keys of {op['id']}: {r.status} {text}")
            self.write(f"op/{op['id']}.jwks", text)
            c.close()

    # ---- ledger and application server
    def vouchd_config(self):
        operators = ""
        for op, port in zip(self.operators, self.op_ports):
            operators += f"""    - id: {op['id']}
      url: https://localhost:{port}
      client-id: {AS_ID}
      ca: pki/ca.crt
      cert: pki/as-client.crt
      key: pki/as-client.key
      keys: op/{op['id']}.jwks
      prefixes: ["{op['msisdn']}", "{op['iccid']}"]
"""
        self.write("vouchd.yaml", f"""roles: [ledger, as]
state: state
port-file: vouchd.ports
log:
  file: vouchd.log
  level: {self.log_level}
listeners:
  - address: 127.0.0.1:{self.as_port}
    serve: [rp-ud, rp-ds, rp-edi, keys, ledger, metrics]
    tls:
      cert: pki/as-tls.crt
      key: pki/as-tls.key
      client-ca: pki/ca.crt
ledger:
  id: {LEDGER_ID}
  enrol:
    - role: aggregator
      name: aggregator-1
      cert: pki/aggregator-signing.crt
  readers: ["*"]
as:
  id: {AS_ID}
  url: {self.as_url}
  users: users.yaml
{self.extra_as}  operators:
{operators}""")
        self.write("users.yaml", """users:
  - name: aggregator
    role: aggregator
    common-name: aggregator
    fields: [status, start, end, terminated-at, reason, standing]
  - name: consumer-a
    role: service-user
    common-name: consumer-a
    fields: [status, start, end, terminated-at, reason, standing, iccid]
  - name: consumer-b
    role: service-user
    common-name: consumer-b
    fields: [status, start, end, terminated-at, standing]
""" + "".join(f"""  - name: {op['id']}
    role: operator
    san: {op['id']}
""" for op in self.operators))

    def make(self):
        """Certificates, configuration, databases, ledger."""
        os.makedirs(self.folder, exist_ok=True)
        self.pki()
        self.netsim_config()
        self.run("vouch-netsim", "init", "--config", "netsim.yaml")
        self.vouchd_config()

    # ---- processes
    def start(self, name, program, *args):
        log = open(self.path(f"{name}.out"), "ab")
        self.processes[name] = subprocess.Popen(
            [os.path.join(self.apps, program), *args], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log)
        log.close()

    def wait_port(self, port, name, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.processes[name].poll() is not None:
                break
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        with open(self.path(f"{name}.out"), encoding="utf-8", errors="replace") as f:
            raise Failed(f"{name} did not start:\n{f.read()[-2000:]}")

    def start_netsim(self):
        self.start("netsim", "vouch-netsim", "run", "--config", "netsim.yaml")
        for port in self.op_ports:
            self.wait_port(port, "netsim")

    def init_vouchd(self):
        """Keys, the AS's certificate, ledger, vault, trust file."""
        self.run("vouchd", "init", "--config", "vouchd.yaml")
        self.write("trust.json", self.run("vouchd", "export-trust", "--config", "vouchd.yaml",
                                          "--tls-ca", "pki/ca.crt").stdout)

    def start_vouchd(self):
        self.start("vouchd", "vouchd", "run", "--config", "vouchd.yaml")
        self.wait_port(self.as_port, "vouchd")

    def stop(self, name, sig=signal.SIGTERM, seconds=20):
        p = self.processes.pop(name, None)
        if p is not None and p.poll() is None:
            p.send_signal(sig)
            try:
                p.wait(seconds)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        return p.returncode if p is not None else None

    def stop_all(self):
        for name in list(self.processes):
            self.stop(name)

    # ---- subscribers
    def accounts(self, operator, limit=1000):
        """What the operator holds: invented identifiers of its subscribers."""
        out = self.run("vouch-netsim", "ctl", "show", "--config", "netsim.yaml", "--operator",
                       operator["id"], "--limit", limit, "--json").stdout
        return json.loads(out)

    def ctl(self, operator, verb, iccid, *more):
        return self.run("vouch-netsim", "ctl", verb, "--config", "netsim.yaml", "--operator",
                        operator["id"], "--iccid", iccid, *more)
