#!/usr/bin/env python3
"""make bench: the rates that matter, as ratios to `openssl speed` of the same run on the same machine
(absolute times of a shared machine mislead). Needs a build with the target bench_programs.

    tools/bench.py [BUILD] [--json] [--devices N]
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "demo"))
from world import AS_ID, World  # noqa: E402


def openssl_speed():
    """(ES256 signatures a second, verifications a second) of one core."""
    out = subprocess.run(["openssl", "speed", "-seconds", "2", "ecdsap256"], capture_output=True, text=True,
                         check=True).stdout
    m = re.search(r"\(nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)", out)
    return float(m.group(1)), float(m.group(2))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def registrations(build, devices, threads):
    folder = tempfile.mkdtemp(prefix="vouch-bench-")
    world = World(folder, build, subscribers=devices, operators=1, log_level="warn",
                  extra_as="  registration:\n    rate-per-second: 1000000\n    rate-burst: 1000000\n")
    try:
        world.make()
        world.start_netsim()
        world.pin_operator_keys()
        world.init_vouchd()
        world.start_vouchd()
        accounts = world.accounts(world.operators[0], devices)
        world.write("accounts", "".join(f"{a['imei']} {a['iccid']} {a['msisdn']}\n" for a in accounts))
        before = {n: cpu_seconds(p.pid) for n, p in world.processes.items()}
        p = subprocess.run([os.path.join(build, "bench", "bench_register"), world.as_url, world.path("pki/ca.crt"),
                            AS_ID, world.path("accounts"), str(threads)], capture_output=True, text=True, check=False)
        if p.returncode != 0:
            sys.exit(f"bench_register: {p.stderr}")
        result = json.loads(p.stdout)
        for name, proc in world.processes.items():
            result[f"{name}_cpu_us"] = 1e6 * (cpu_seconds(proc.pid) - before[name]) / result["registrations"]
        return result
    finally:
        world.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build", nargs="?", default="build")
    p.add_argument("--json", action="store_true")
    p.add_argument("--devices", type=int, default=600)
    p.add_argument("--threads", type=int, default=16)
    a = p.parse_args()
    sign, verify = openssl_speed()
    micro = json.loads(subprocess.run([os.path.join(a.build, "bench", "bench_micro")], capture_output=True, text=True,
                                      check=True).stdout)
    reg = registrations(os.path.abspath(a.build), a.devices, a.threads)
    sign2, verify2 = openssl_speed()
    sign, verify = max(sign, sign2), max(verify, verify2)
    cores = os.cpu_count() or 1
    rows = [
        ("signing single readings", micro["sign_single"], "/s", micro["sign_single"] / sign, "openssl sign, one core"),
        ("verifying single readings", micro["verify_single"], "/s", micro["verify_single"] / verify,
         "openssl verify, one core"),
        ("signing rows, batches of 64", micro["sign_batch64_rows"], "/s", micro["sign_batch64_rows"] / sign,
         "openssl sign, one core"),
        ("verifying rows, batches of 1024", micro["verify_batch1024_rows"], "/s",
         micro["verify_batch1024_rows"] / verify, "openssl verify, one core"),
        ("registrations, whole system", reg["per_second"], "/s", reg["per_second"] / (verify * cores),
         f"openssl verify, {cores} cores"),
        ("CPU of vouchd for a registration", reg["vouchd_cpu_us"], "us", reg["vouchd_cpu_us"] * verify / 1e6,
         "openssl verifications"),
    ]
    if a.json:
        print(json.dumps({"openssl": {"sign": sign, "verify": verify}, "micro": micro, "registrations": reg,
                          "ratios": {r[0]: r[3] for r in rows}}, indent=1))
        return
    print(f"openssl speed, ES256, one core: {sign:,.0f} signatures/s, {verify:,.0f} verifications/s; "
          f"{cores} cores\n")
    print(f"{'what':<34}{'rate':>16}{'ratio':>9}  to")
    for name, value, unit, ratio, to in rows:
        print(f"{name:<34}{value:>13,.0f} {unit:<2}{ratio:>9.2f}  {to}")
    print(f"\nregistration latency with {a.threads} gateways: median {reg['p50_ms']:.1f} ms, "
          f"p99 {reg['p99_ms']:.1f} ms; durable, operator asked, receipt in the answer")
    print(f"a single signed reading carries {micro['single_bytes']} bytes of proof, "
          f"a row in a batch of 64 {micro['batch64_bytes_per_row']:.1f}")
    print(f"operator simulator: {reg['netsim_cpu_us']:,.0f} us CPU for a registration; generator on the same cores")


if __name__ == "__main__":
    main()
