"""An AS with its ledger, as a device sees them, written in Python: endorses whoever registers
properly, and answers as docs/formats.md says. For tests only; on 127.0.0.1."""
import base64
import http.server
import os
import threading
import time

import cbor2

import wire

ENDORSEMENT = "application/vouch-endorsement+cose"


class Lineage:
    def __init__(self, registration, key):
        self.registration, self.key = registration, key
        self.subject = os.urandom(16)
        self.acks = []
        self.txid = None


class Server:
    def __init__(self):
        self.as_key, self.ledger_key = wire.Key(), wire.Key()
        self.as_id, self.ledger_id = "as1.op1.example", "ledger.op1.example/divs"
        self.leaves = [wire.leaf_hash(b"genesis")]
        self.nonces, self.lineages, self.anchors, self.requests = set(), {}, [], []
        self.drop_answers = 0  # take the request, then break the connection
        self.mend = lambda ack: ack  # lets a test alter acknowledgements
        self.events = threading.Condition()

    # ---- ledger
    def record(self, entry):
        self.leaves.append(wire.leaf_hash(wire.sha256(entry)))
        index = len(self.leaves) - 1
        self.leaves.append(wire.leaf_hash(os.urandom(32)))  # the state root of the batch
        return wire.receipt(self.ledger_key, self.ledger_id, self.leaves, index,
                            int(time.time() * 1000))

    # ---- AS
    def nonce(self):
        n = os.urandom(16)
        self.nonces.add(n)
        return n

    def endorse(self, line, action):
        now = int(time.time() * 1000)
        payload = {1: action, 2: len(line.acks), 4: line.registration, 5: [os.urandom(32)], 6: 2,
                   7: os.urandom(32), 8: now, 10: now, 11: "op1.example"}
        if line.acks:
            payload[3] = line.txid
        entry = wire.statement(self.as_key, ENDORSEMENT, self.as_id, line.subject.hex(), now // 1000,
                               payload, x5t=os.urandom(32))
        line.txid = wire.sha256(entry)
        ack = {1: entry, 2: self.record(entry), 3: [self.ledger_id, self.url], 4: self.nonce()}
        with self.events:
            line.acks.append(ack)
            self.events.notify_all()
        return ack

    def update(self, action=2):
        """A change of the account of the only device."""
        (line,) = self.lineages.values()
        return self.endorse(line, action)

    def register(self, body):
        request = cbor2.loads(body)
        assert wire.dumps(request) == body
        registration, openings = request[1], request[2]
        self.requests.append(registration)
        content = wire.sha256(registration)
        if content in self.lineages:
            return self.lineages[content].acks[0]
        header, unprotected, payload, signed, signature = wire.open1(registration)
        claims = cbor2.loads(payload)
        assert unprotected == {} and header[16] == "application/vouch-registration+cose"
        thumbprint = wire.sha256(wire.dumps(claims[1]))
        assert header[4] == thumbprint
        assert header[15][1] == header[15][2] == wire.key_uri(thumbprint)
        assert wire.verify(claims[1], signed, signature)
        assert claims[4] == self.as_id and claims[8] == 1
        assert claims[6] == sorted(wire.sha256(wire.dumps(o)) for o in openings)
        self.nonces.remove(claims[5])  # KeyError: stale
        line = Lineage(registration, claims[1])
        self.lineages[content] = line
        return self.endorse(line, 1)

    def line_of(self, header, signed, signature):
        for line in self.lineages.values():
            if wire.key_uri(wire.sha256(wire.dumps(line.key))) == header[15][1]:
                assert header[15][2] == line.subject.hex()
                assert wire.verify(line.key, signed, signature)
                return line
        raise KeyError("device")

    def poll(self, body):
        header, _, payload, signed, signature = wire.open1(body)
        claims = cbor2.loads(payload)
        self.nonces.remove(claims[1])
        return self.line_of(header, signed, signature), claims[2]

    def anchor(self, body):
        header, _, payload, signed, signature = wire.open1(body)
        self.line_of(header, signed, signature)
        self.anchors.append(cbor2.loads(payload))
        return self.record(body)

    # ---- HTTP
    def start(self):
        handler = type("Handler", (Handler,), {"owner": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        with self.events:
            self.stopped = True
            self.events.notify_all()
        self.http.shutdown()
        self.http.server_close()

    stopped = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *args):
        pass

    def answer(self, status, media, body):
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self.route(self.owner, body)
        except KeyError:
            self.answer(403, "application/problem+json", b'{"code":"nonce-stale","status":403}')
        except AssertionError as e:
            self.answer(400, "application/problem+json",
                        b'{"code":"usage","status":400,"detail":"%s"}' % str(e).encode())

    def route(self, owner, body):
        if self.path == "/rp-ud/v1/nonces":
            self.answer(200, "application/cbor", wire.dumps({1: owner.nonce()}))
        elif self.path == "/rp-ud/v1/registrations":
            ack = wire.dumps(owner.mend(owner.register(body)))
            if owner.drop_answers:
                owner.drop_answers -= 1
                self.close_connection = True
                self.connection.close()
                return
            self.answer(201, "application/vouch-acknowledgement+cbor", ack)
        elif self.path == "/rp-ud/v1/updates":
            line, seq = owner.poll(body)
            if self.headers.get("Accept") == "text/event-stream":
                self.stream(owner, line, seq)
            else:
                self.answer(200, "application/cbor", wire.dumps(
                    [owner.mend(a) for a in line.acks[seq + 1:]]))
        elif self.path == "/rp-ud/v1/anchors":
            self.answer(201, "application/vouch-receipt+cose", owner.anchor(body))
        else:
            self.answer(404, "application/problem+json", b'{"code":"http-not-found","status":404}')

    def stream(self, owner, line, seq):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        at = seq + 1
        while not owner.stopped:
            with owner.events:
                if at >= len(line.acks):
                    owner.events.wait(0.2)
                    continue
                ack = wire.dumps(owner.mend(line.acks[at]))
            at += 1
            try:
                self.wfile.write(b"data: " + base64.b64encode(ack) + b"\n\n")
                self.wfile.flush()
            except OSError:
                return
