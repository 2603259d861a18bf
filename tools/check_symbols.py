#!/usr/bin/env python3
"""Checks the archives of the modules: names, purity, and who may talk to which library.

    tools/check_symbols.py BUILD

 - every global symbol that a module defines begins with vch_;
 - a PURE module refers only to itself, to pure modules, to base without its heap, and to a short list
   of functions of the C library;
 - the symbols of a foreign library appear only in that library's home module.
"""
import re
import subprocess
import sys

PURE_LIBC = re.compile(
    r"^(mem(cpy|set|cmp|move|chr)|strlen|__stack_chk_fail|__mem\w+_chk|_GLOBAL_OFFSET_TABLE_|"
    r"__(asan|ubsan|tsan|sanitizer)_\w+)$")
BASE_HEAP = re.compile(r"^vch_(mem|buf)_")
HOMES = [  # (symbols, library, modules that may use it)
    (r"^(EVP|EC|BN|SHA256|X509|PEM|RAND|OPENSSL|CRYPTO|d2i|i2d|ERR|BIO|ASN1|PKCS8|ECDSA)_", "OpenSSL",
     {"ossl"}),
    (r"^gnutls_", "GnuTLS", {"http"}),
    (r"^MHD_", "libmicrohttpd", {"http"}),
    (r"^curl_", "libcurl", {"http"}),
    (r"^mdb_", "LMDB", {"store"}),
    (r"^sqlite3_", "SQLite", {"netsim"}),
    (r"^yaml_", "libyaml", {"conf"}),
]


def symbols(archive, *flags):
    out = subprocess.run(["nm", *flags, archive], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1] for line in out.splitlines()
            if line and not line.endswith(":") and len(line.split()) > 1}


def main():
    modules = {}
    with open(f"{sys.argv[1]}/modules.txt", encoding="utf-8") as f:
        for line in filter(None, map(str.strip, f)):
            name, layer, pure, _, archive = line.split("|")
            modules[name] = {"layer": int(layer), "pure": pure == "TRUE",
                             "defined": symbols(archive, "-g", "--defined-only"),
                             "undefined": symbols(archive, "-u")}
    faults = []
    pure_names = set().union(*(m["defined"] for m in modules.values() if m["pure"]))
    base = {s for s in modules["base"]["defined"] if not BASE_HEAP.match(s)}
    for name, m in modules.items():
        faults += [f"{name}: global symbol {s} does not begin with vch_"
                   for s in sorted(m["defined"]) if not s.startswith("vch_")]
        outside = m["undefined"] - m["defined"]
        if m["pure"]:
            faults += [f"{name} is pure, but refers to {s}" for s in sorted(outside)
                       if s not in pure_names and s not in base and not PURE_LIBC.match(s)]
        for pattern, library, homes in HOMES:
            if name not in homes:
                faults += [f"{name} uses {s}: {library} belongs to {', '.join(sorted(homes))}"
                           for s in sorted(outside) if re.match(pattern, s)]
    for fault in faults:
        print(fault)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
