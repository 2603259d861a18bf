"""The demo: devices of three operators, a ledger, an aggregator, two consumers, forgeries, and a
verification with everything switched off.

    python3 demo/demo.py [DATA.csv]      BUILD names the build folder, OUT the folder to make
"""
import json
import os
import random
import shutil
import subprocess
import sys
import time

import forge
from story import Story, paint
from world import Failed, World

FORGED_SEED = 7
PASS = ["-p", "pass"]


def verdict_style(text):
    return {"valid": ("green",), "invalid": ("red",), "refused": ("red",)}.get(text, ("yellow",))


def host_reading(previous):
    """A line of what this machine measures of itself now."""
    with open("/proc/loadavg", encoding="ascii") as f:
        load = f.read().split()[0]
    with open("/proc/meminfo", encoding="ascii") as f:
        free = next(line.split()[1] for line in f if line.startswith("MemAvailable"))
    with open("/proc/uptime", encoding="ascii") as f:
        up = f.read().split()[0]
    with open("/proc/stat", encoding="ascii") as f:
        ticks = [int(x) for x in f.readline().split()[1:]]
    busy = sum(ticks) - ticks[3]
    line = f"{up},{load},{free},{busy - previous if previous else 0}\n"
    return line, busy


class Demo:
    def __init__(self, out, build, data):
        self.s = Story()
        self.w = World(out, build)
        self.data = data
        self.devices = []
        self.failures = []

    def vouch(self, *args, **kw):
        return self.w.run("vouch", *args, **kw)

    def expect(self, what, ok):
        if not ok:
            self.failures.append(what)
        return ok

    def verify(self, *files, offline=True, user=None, at=None, trust="trust.json", **kw):
        args = ["verify", "--json", "--trust", trust]
        if offline:
            args.append("--offline")
        if user:
            args += ["--cert", f"pki/{user}.crt", "--key", f"pki/{user}.key"]
        p = self.vouch(*args, *files, check=False, **kw)
        return p.returncode, json.loads(p.stdout) if p.stdout.strip() else {"verdict": "refused", "code": ""}

    # ---- chapters
    def open_world(self):
        s, w = self.s, self.w
        s.title("Vouch: a reading that anyone can verify",
                "ITU-T Y.2247: devices, mobile operators, application server and ledger, all on this machine")
        s.chapter("A world is set up")
        begun = time.monotonic()
        w.make()
        os.makedirs(w.path("devices"))
        w.write("pass", "demo passphrase\n", 0o600)
        w.start_netsim()
        w.pin_operator_keys()
        w.init_vouchd()
        w.start_vouchd()
        s.table(["who", "what runs", "where"], [
            ["three operators", "vouch-netsim, a simulator: SQLite, mutual TLS, OAuth 2",
             "ports " + " ".join(map(str, w.op_ports))],
            ["AS and ledger", "vouchd: matches, endorses, records durably",
             f"port {w.as_port}"],
            ["everybody else", "vouch: devices, aggregator, consumers", "command line"],
        ])
        s.note(f"made and started in {time.monotonic() - begun:.1f} s; the subscribers are invented")

    def register(self):
        s, w = self.s, self.w
        s.chapter("Three devices register with their mobile subscription")
        s.say("Each makes its own key and signs it together with salted digests of IMEI, ICCID and number. The "
              "application server checks the signature, asks the operator whether the three belong together, "
              "endorses, and answers when the endorsement is on the ledger, receipt included.")
        rows = []
        for name, op in zip(("meter", "vehicle", "sensor"), w.operators):
            account = w.accounts(op, 3)[0]
            state = ["-s", f"devices/{name}", *PASS]
            self.vouch("device", "init", *state, "--trust", "trust.json", "--imei", account["imei"], "--iccid",
                       account["iccid"], "--msisdn", account["msisdn"], "--custody", "file")
            begun = time.monotonic()
            done = json.loads(self.vouch("device", "register", *state, "--json").stdout)
            ms = (time.monotonic() - begun) * 1000
            self.devices.append({"name": name, "op": op, "account": account, "state": state, "txid": done["txid"]})
            rows.append([name, op["id"], "2, matched by the network", done["txid"][:16] + "…", f"{ms:.0f} ms"])
        s.table(["device", "operator", "assurance", "transaction ID", "took"], rows)
        s.say("An impostor claims the meter's number with a key of his own:")
        a, b = (w.accounts(w.operators[0], 3)[i] for i in (1, 2))
        state = ["-s", "devices/impostor", *PASS]
        self.vouch("device", "init", *state, "--trust", "trust.json", "--imei", a["imei"], "--iccid", b["iccid"],
                   "--msisdn", self.devices[0]["account"]["msisdn"], "--custody", "file")
        p = self.vouch("device", "register", *state, "--json", check=False)
        code = json.loads(p.stderr.strip().splitlines()[-1]).get("error", "?") if p.stderr.strip() else "?"
        if self.expect("the impostor is refused", p.returncode == 1):
            s.bad(f"refused [{code}]: the operator does not know these identifiers together")

    def sign(self):
        s, w = self.s, self.w
        s.chapter("They sign what they measure")
        meter, vehicle, sensor = self.devices
        if self.data:
            shutil.copyfile(self.data, w.path("readings.csv"))
            source = os.path.basename(self.data)
        else:
            lines, busy = ["uptime_s,load,free_kb,busy_ticks\n"], 0
            for _ in range(48):
                line, busy = host_reading(busy)
                lines.append(line)
                time.sleep(0.01)
            w.write("readings.csv", "".join(lines))
            source = "live readings of this machine"
        begun = time.monotonic()
        out = self.vouch("device", "sign", *meter["state"], "--format", "csv", "readings.csv", "-o", "meter.vouch").stdout
        took = time.monotonic() - begun
        random.seed(FORGED_SEED)
        trip = "".join(json.dumps({"km": 41250 + i, "kmh": random.randint(30, 90)}) + "\n" for i in range(24))
        self.vouch("device", "sign", *vehicle["state"], "--batch", "8", "-o", "vehicle.vouch", stdin=trip)
        self.vouch("device", "sign", *sensor["state"], "--batch", "1", "-o", "sensor.vouch", stdin="21.5 C\n21.6 C\n")
        s.good(f"meter: {source}: {out.strip().replace('in 1 items', 'in one batch')} ({took:.1f} s)")
        s.good("vehicle: 24 lines in 3 batches; sensor: 2 single readings")
        s.say("A batch is one signature over a Merkle root; every row can later be shown alone. The bytes are signed "
              "as they were collected, whatever their separators or line ends.")

    def aggregate(self):
        s = self.s
        s.chapter("An aggregator collects, anchors and bundles")
        for d in self.devices:
            self.vouch("device", "anchor", *d["state"], f"{d['name']}.vouch")
        user = ["--cert", "pki/aggregator.crt", "--key", "pki/aggregator.key"]
        self.vouch("bundle", "make", "--trust", "trust.json", *user, "-o", "share.vouch", "meter.vouch",
                   "vehicle.vouch", "sensor.vouch")
        self.vouch("bundle", "make", "--trust", "trust.json", *user, "-o", "meter-share.vouch", "meter.vouch")
        self.vouch("bundle", "make", "--trust", "trust.json", *user, "-o", "vehicle-share.vouch", "vehicle.vouch")
        size = os.path.getsize(self.w.path("share.vouch"))
        s.good(f"share.vouch, {size:,} bytes: items of three devices, records, receipts, the contract terms that "
               "the aggregator may see, a proof that nothing newer exists")
        s.say("The anchor bounds the time of signing from above: the ledger has seen the digest.")

    def consume(self):
        s = self.s
        s.chapter("Two consumers verify, one after the other")
        code, v = self.verify("share.vouch")
        rows = [["A, gets everything", v["verdict"], f"{v['rows']:,} data rows and {v['headers']} header line of {v['devices']} devices, "
                 f"{v['bytes']:,} bytes, byte for byte"]]
        self.expect("consumer A: valid", code == 0)
        code, m = self.verify("meter-share.vouch")
        whole = m["bytes"] == os.path.getsize(self.w.path("readings.csv"))
        rows.append(["A, the meter's file alone", m["verdict"],
                     f"all {m['rows']:,} data rows and {m['headers']} header line verified"
                     + (": every byte of the file" if whole else "")])
        self.expect("the meter's file is whole", code == 0 and whole)
        last = "2-5"
        self.vouch("bundle", "extract", "--item", "0", "--rows", last, "-o", "extract.vouch", "share.vouch")
        code, v = self.verify("extract.vouch")
        rows.append([f"B, gets rows {last} of A", v["verdict"], f"{v['rows']} data rows; nobody can tell B the others "
                     "from their digests: each is salted"])
        self.expect("consumer B: valid", code == 0)
        self.vouch("bundle", "strip", "-o", "digests.vouch", "share.vouch")
        code, v = self.verify("digests.vouch")
        rows.append(["C, gets digests only", v["verdict"], "origin, time and contract are proved, no reading is shown"])
        self.expect("consumer C: valid", code == 0)
        s.table(["consumer", "verdict", "what was verified"], rows, {1: verdict_style})

    def terminate(self):
        s, w = self.s, self.w
        s.chapter("A contract ends, mid-way")
        vehicle = self.devices[1]
        self.vouch("device", "sign", *vehicle["state"], "--batch", "1", "-o", "unanchored.vouch", stdin="km 41274\n")
        time.sleep(0.02)
        begun = time.monotonic()
        w.ctl(vehicle["op"], "terminate", vehicle["account"]["iccid"])
        shutil.copytree(w.path("devices/vehicle"), w.path("devices/vehicle-unaware"))
        update = self.vouch("device", "follow", *vehicle["state"], "-n", "1", "--json", timeout=20)
        ms = (time.monotonic() - begun) * 1000
        self.expect("the update arrives", update.returncode == 0)
        s.good(f"the operator terminates the vehicle's contract; {ms:.0f} ms later, commands included, the device "
               "holds the endorsement that says so, recorded on the ledger")
        refused = self.vouch("device", "sign", *vehicle["state"], "-o", "never.vouch", stdin="km 41275\n", check=False)
        self.expect("an informed device stops signing", refused.returncode != 0)
        self.vouch("device", "sign", "-s", "devices/vehicle-unaware", *PASS, "--batch", "1", "-o", "after.vouch",
                   stdin="km 41275\n", check=False)
        rows = []
        user = ["--cert", "pki/consumer-a.crt", "--key", "pki/consumer-a.key"]
        for name, what, want in (("vehicle", "signed before, anchored before", 0),
                                 ("unanchored", "signed before, no evidence of when", 2),
                                 ("after", "signed after by a device that pretends not to know", 1)):
            self.vouch("bundle", "make", "--trust", "trust.json", *user, "-o", f"{name}-late.vouch", f"{name}.vouch")
            code, v = self.verify(f"{name}-late.vouch")
            notes = {n for src in v.get("sources", []) for i in src["items"] for n in i["notes"]}
            why = v.get("code") or ("bound to a superseded record" if "superseded" in notes else "within the term")
            rows.append([what, v["verdict"], why])
            self.expect(f"{what}: exit {want}, not {code}", code == want)
        s.table(["reading of the vehicle", "verdict", "reason"], rows, {1: verdict_style})

    def offline(self):
        s, w = self.s, self.w
        s.chapter("Everything is switched off, and a stranger verifies")
        w.stop_all()
        code, v = self.verify("share.vouch")
        self.expect("offline: valid", code == 0)
        (s.good if code == 0 else s.bad)(
            f"{v['verdict']}: {v['rows']:,} data rows verified with nothing but share.vouch and trust.json")
        fsck = self.vouch("ledger", "fsck", "--dir", "state/ledger", "--json", check=False)
        self.expect("the ledger is clean", fsck.returncode == 0)
        head = json.loads(self.vouch("ledger", "head", "--dir", "state/ledger", "--json").stdout)
        s.good(f"vouch ledger fsck: clean, {head['size']} entries recomputed from disk")

    def forgeries(self):
        s, w = self.s, self.w
        s.chapter("Forgeries")
        os.makedirs(w.path("forgeries"), exist_ok=True)
        with open(w.path("meter-share.vouch"), "rb") as f:
            good = f.read()
        with open(w.path("vehicle-share.vouch"), "rb") as f:
            other = f.read()
        rows = []
        for n, (what, data) in enumerate(forge.all_forgeries(good, other), 1):
            name = f"forgeries/{n:02d}.vouch"
            with open(w.path(name), "wb") as f:
                f.write(data)
            code, v = self.verify(name)
            reason = v.get("code") or next((x["error"] for x in v.get("sources", []) if x.get("error")), "") or ""
            rows.append([str(n), what, v["verdict"] if code else "VALID", reason])
            self.expect(f"forgery '{what}' must not be valid", code in (1, 2))
        self.w.write("trust-of-somebody-else.json", json.dumps({"version": 1, "ledgers": [], "as": []}))
        code, v = self.verify("meter-share.vouch", trust="trust-of-somebody-else.json")
        rows.append([str(len(rows) + 1), "the verifier trusts neither this ledger nor this AS", v["verdict"], v.get("code") or ""])
        self.expect("missing trust cannot be evaluated", code == 2)
        s.table(["", "what is tried", "verdict", "reason"], rows, {2: verdict_style})

    def close(self):
        s, w = self.s, self.w
        s.chapter("Look around")
        rel = os.path.relpath(w.folder)
        s.say(f"Everything is left in {rel}: bundles, trust file, ledger, devices, forgeries, logs.")
        for c in (f"cd {rel}", "vouch verify --offline --trust trust.json --explain extract.vouch",
                  "vouch bundle show extract.vouch", "vouch verify --offline --trust trust.json forgeries/01.vouch",
                  "vouch ledger head --dir state/ledger", "vouch explain data-altered"):
            s.command(c.replace("vouch ", os.path.relpath(os.path.join(w.apps, "vouch"), w.folder) + " ", 1)
                      if c.startswith("vouch ") else c)

    def run(self):
        begun = time.monotonic()
        try:
            for chapter in (self.open_world, self.register, self.sign, self.aggregate, self.consume,
                            self.terminate, self.offline, self.forgeries, self.close):
                chapter()
        finally:
            self.w.stop_all()
        self.s.line()
        if self.failures:
            for f in self.failures:
                self.s.bad(f"NOT AS IT SHOULD BE: {f}")
        else:
            self.s.line("   " + paint("Everything went as it should", "bold", "green") +
                        f", in {time.monotonic() - begun:.0f} s.")
        self.s.save(self.w.path("story.txt"))
        return 1 if self.failures else 0


def main():
    out = os.environ.get("OUT", "demo-out")
    build = os.environ.get("BUILD", "build")
    data = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else None
    if data and not os.path.isfile(data):
        sys.exit(f"no such file: {sys.argv[1]}")
    if os.path.isdir(out) and os.path.exists(os.path.join(out, "story.txt")):
        shutil.rmtree(out)
    elif os.path.isdir(out):
        shutil.rmtree(out) if os.path.exists(os.path.join(out, "vouchd.yaml")) else sys.exit(
            f"{out} exists and was not made by the demo")
    try:
        sys.exit(Demo(out, build, data).run())
    except (Failed, subprocess.TimeoutExpired) as e:
        sys.exit(f"the demo stopped: {e}")


if __name__ == "__main__":
    main()
