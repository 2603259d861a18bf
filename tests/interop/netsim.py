"""vouch-netsim as a process, with certificates of our own making, and plain clients for it."""
import base64
import datetime
import hashlib
import http.client
import http.server
import json
import ssl
import subprocess
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

API = "/divs-account-status/v0"
SUBS = "/divs-account-status-subscriptions/v0/subscriptions"
EVENTS = "/divs-account-status-subscriptions/v0/events"


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jws_verify(jwk, compact):
    """Header and payload bytes of a compact JWS that JWK signed; raises otherwise."""
    head, payload, sig = compact.split(".")
    header = json.loads(unb64(head))
    assert header["alg"] == "ES256" and header["kid"] == jwk["kid"]
    number = lambda name: int.from_bytes(unb64(jwk[name]), "big")
    key = ec.EllipticCurvePublicNumbers(number("x"), number("y"), ec.SECP256R1()).public_key()
    raw = unb64(sig)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.verify(der, f"{head}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    return header, unb64(payload)


class Pki:
    def __init__(self, folder):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
        self.cert = self.build("test CA", self.key, True)
        (folder / "ca.pem").write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def build(self, cn, key, ca=False):
        now = datetime.datetime.now(datetime.timezone.utc)
        usage = dict.fromkeys(["digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                               "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"], False)
        usage |= {"key_cert_sign": True, "crl_sign": True} if ca else {"digital_signature": True}
        days = datetime.timedelta(days=2 if ca else 1)
        b = (x509.CertificateBuilder()
             .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])).issuer_name(self.name)
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(now - days).not_valid_after(now + days)
             .add_extension(x509.BasicConstraints(ca, None), True)
             .add_extension(x509.KeyUsage(**usage), True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False))
        if not ca:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            b = b.add_extension(x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False)
        return b.sign(self.key, hashes.SHA256())

    def save_key(self, name, key):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))

    def issue(self, cn):
        key = ec.generate_private_key(ec.SECP256R1())
        (self.folder / f"{cn}.pem").write_bytes(self.build(cn, key).public_bytes(serialization.Encoding.PEM))
        self.save_key(f"{cn}.key", key)

    def context(self, cn, server=False):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        c.load_verify_locations(self.folder / "ca.pem")
        if cn:
            c.load_cert_chain(self.folder / f"{cn}.pem", self.folder / f"{cn}.key")
        if server:
            c.verify_mode = ssl.CERT_REQUIRED
        return c


class Sink:
    """An AS's address for notifications: keeps what comes, answers as told."""

    def __init__(self, pki):
        self.got, self.status, self.changed = [], 204, threading.Condition()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with sink.changed:
                    if sink.status // 100 == 2:
                        sink.got.append((dict(self.headers.items()), body))
                    sink.changed.notify_all()
                    self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = pki.context("as1", server=True).wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}/n"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.got) >= count, 60), f"{len(self.got)} of {count}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Netsim:
    def __init__(self, program, folder):
        self.program, self.folder, self.process = program, folder, None
        self.pki = Pki(folder)
        for cn in ("op1", "as1", "as2"):
            self.pki.issue(cn)
        self.pki.save_key("sign.key", ec.generate_private_key(ec.SECP256R1()))
        self.sink = Sink(self.pki)
        self.config = folder / "netsim.yaml"
        self.config.write_text(f"""\
operators:
  - id: op1.example
    listen: 127.0.0.1:0
    database: op1.db
    signing-key: sign.key
    tls: {{cert: op1.pem, key: op1.key, client-ca: ca.pem}}
    subscribers: 10
    segments: [meters, trackers]
    delivery: {{backoff-min: 10ms, backoff-max: 40ms}}
    clients:
      - {{id: as1, certs: [as1.pem], sinks: ["{self.sink.url}"], segments: ["*"]}}
      - {{id: as2, certs: ["{folder}/as2.pem"], segments: [meters]}}
""")
        self.call("init", "--config", self.config)
        self.tokens = {}

    def call(self, *args, status=0):
        done = subprocess.run([self.program, *args], capture_output=True, timeout=60)
        assert done.returncode == status, (done.returncode, done.stderr)
        return done.stdout

    def ctl(self, verb, *args, status=0):
        return self.call("ctl", verb, "--config", self.config, *args, status=status)

    def start(self):
        self.process = subprocess.Popen([self.program, "run", "--config", self.config], stderr=subprocess.PIPE,
                                        text=True)
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            if "operator-listens" in line:
                self.port = int(line.split("port=")[1].split()[0])
                break
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()

    def stop(self):
        if self.process:
            self.process.terminate()
            assert self.process.wait(30) == 0
        self.sink.close()

    def accounts(self):
        return json.loads(self.ctl("show", "--limit", "10"))

    def raw(self, method, path, cert=None, headers=None, body=None):
        c = http.client.HTTPSConnection("localhost", self.port, context=self.pki.context(cert), timeout=60)
        c.request(method, path, body, headers or {})
        a = c.getresponse()
        data = a.read()
        c.close()
        return a.status, {k.lower(): v for k, v in a.getheaders()}, data

    def token(self, client):
        if client not in self.tokens:
            status, _, body = self.raw("POST", "/oauth2/token", client,
                                       {"Content-Type": "application/x-www-form-urlencoded"},
                                       f"grant_type=client_credentials&client_id={client}")
            assert status == 200, body
            self.tokens[client] = json.loads(body)["access_token"]
        return self.tokens[client]

    def ask(self, client, method, path, obj=None, headers=None):
        h = {"Authorization": f"Bearer {self.token(client)}", **(headers or {})}
        body = None
        if obj is not None:
            h.setdefault("Content-Type", "application/json")
            body = obj if isinstance(obj, str) else json.dumps(obj)
        return self.raw(method, path, client, h, body)

    def jwk(self):
        return json.loads(self.raw("GET", "/oauth2/jwks")[2])["keys"][0]


def thumbprint(path):
    der = x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(serialization.Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()
