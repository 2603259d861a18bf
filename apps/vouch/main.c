/* vouch - the command line of the project: device, verifier, bundles, ledger. */
#include "commands.h"

static const struct vch_cli_cmd commands[] = {
    {"pki", "ca", "", "make a certificate authority for a trial or a private network", NULL,
     "  $ vouch pki ca --name 'Trial root' --out pki/ca --passphrase-file ca.pass", cmd_pki_ca},
    {"pki", "issue", "server|client|peer|signing", "issue a certificate",
     "Uses: server and client for TLS, peer for services that talk both ways, signing for the key "
     "of\n"
     "an application server. TLS keys are left unencrypted with --plain; signing keys should not "
     "be.",
     "  $ vouch pki issue server --ca pki/ca --name as1 --dns as1.example --plain --out pki/as1\n"
     "  $ vouch pki issue signing --ca pki/ca --name as1.example --dns as1.example \\\n"
     "        --pubkey as1.pub --out pki/as1-signing",
     cmd_pki_issue},
    {"verify", NULL, "FILE...", "verify data, offline or with the records of an AS",
     "Verifies bundles, open streams and bare items; - is standard input. Trust comes from the "
     "trust file\nalone. Exit status: 0 valid, 1 invalid, 2 cannot be evaluated.",
     "  $ vouch verify --offline --trust trust.json meter.vouch\n"
     "  $ vouch verify --explain --at 2026-11-01 --json *.vouch\n"
     "  $ curl -s https://data.example/trip | vouch verify -",
     cmd_verify},
    {"bundle", "make", "FILE...", "join streams of devices into one bundle with all its evidence",
     "Joins device streams and bundles, asks the application servers of the trust file for the "
     "records\nthey point to, with contract terms, later records and the newest state, and closes "
     "the bundle.",
     "  $ vouch bundle make -o march.vouch --trust trust.json --cert me.pem --key me.key "
     "meter-*.vouch",
     cmd_bundle_make},
    {"bundle", "extract", "FILE", "take out items or single rows that still verify",
     "A row taken out carries its own salt and path: nothing is shown of the rows beside it.",
     "  $ vouch bundle extract --rows 10-20,35 -o some.vouch march.vouch", cmd_bundle_extract},
    {"bundle", "strip", "FILE", "leave out the data, keep the proof",
     "What remains verifies origin, time and entitlement without showing a single value.",
     "  $ vouch bundle strip -o proof.vouch march.vouch", cmd_bundle_strip},
    {"bundle", "show", "FILE", "list what a bundle holds, without judging it", NULL,
     "  $ vouch bundle show --data march.vouch", cmd_bundle_show},
    {"bundle", "close", "FILE", "end an open stream",
     "Adds the end record, by which a verifier sees that nothing is missing.",
     "  $ vouch bundle close meter-7.vouch", cmd_bundle_close},
    {"trust", "show", "[FILE]", "list whom a trust file believes", NULL, "  $ vouch trust show",
     cmd_trust_show},
    {"trust", "add", "", "add a ledger, an application server or a key to a trust file",
     "Compare fingerprints with what the operator publishes elsewhere before you trust them.",
     "  $ vouch trust add -t trust.json --ledger ledger.op1.example/divs --key ledger.pub\n"
     "  $ vouch trust add -t trust.json --as as1.op1.example --url https://as1.op1.example \\\n"
     "        --ca op1-ca.pem --on ledger.op1.example/divs",
     cmd_trust_add},
    {"trust", "check", "[FILE]", "check that a trust file is well formed", NULL,
     "  $ vouch trust check trust.json", cmd_trust_check},
    {"explain", NULL, "[CODE]", "explain an error code, its cause and its remedy", NULL,
     "  $ vouch explain signature-invalid\n  $ vouch explain --json", cmd_explain},
    {"device", "init", "", "set up a device: a new key, its identity, whom it believes",
     "Makes the device's key in an encrypted file and a state that shows any change.\n"
     "The AS, its key and its ledger come from a trust file or from single options.",
     "  $ vouch device init --trust trust.json --imei 001010000000016 --custody file\n"
     "  $ vouch device init --as as1.op1.example --as-url https://as1.op1.example \\\n"
     "        --as-key as.pub.pem --ledger ledger.op1.example/divs --custody file \\\n"
     "        --msisdn +10000000000 --passphrase-file pass",
     cmd_device_init},
    {"device", "register", "", "have the device's key endorsed by its AS",
     "Run again after a broken connection: the same request is repeated.",
     "  $ vouch device register --passphrase-file pass", cmd_device_register},
    {"device", "sign", "[FILE...]", "sign data and write a bundle",
     "Reads files or standard input. Rows keep every byte, line ends included. Nothing is signed\n"
     "before the device is endorsed; with --queue the rows wait for it in the device's directory.",
     "  $ sensor | vouch device sign --batch 1000 > readings.vouch\n"
     "  $ vouch device sign --format csv day.csv -o day.vouch\n"
     "  $ vouch device sign --format raw photo.jpg -o photo.vouch",
     cmd_device_sign},
    {"device", "follow", "", "take updates of the endorsement as they come",
     "An update that is forged, for another device or older than what is held is ignored; the\n"
     "exit status is 1 if there was one.",
     "  $ vouch device follow --once\n  $ vouch device follow --json", cmd_device_follow},
    {"device", "anchor", "BUNDLE", "have the ledger record when a bundle existed", NULL,
     "  $ vouch device anchor readings.vouch", cmd_device_anchor},
    {"device", "status", "", "show what the device holds", NULL, "  $ vouch device status --json",
     cmd_device_status},
    {"ledger", "create", "", "make a new ledger",
     "Names the authorities that the ledger knows from its first entry on. The key under --key\n"
     "signs all receipts; keep its public half for those who verify.",
     "  $ vouch ledger create --dir /var/lib/vouch/ledger --id ledger.op1.example/divs \\\n"
     "        --key ledger.key --checkpoint-key checkpoint.key --as as1.op1.example=as1.crt",
     cmd_ledger_create},
    {"ledger", "head", "", "show the newest head of a ledger", NULL,
     "  $ vouch ledger head --dir /var/lib/vouch/ledger\n"
     "  $ vouch ledger head --url https://ledger.op1.example --id ledger.op1.example/divs \\\n"
     "        --key ledger.pub.pem --json",
     cmd_ledger_head},
    {"ledger", "get", "[TXID]", "show an entry, save it and its receipt",
     "Every answer is checked: a local one against the signed head, a far one against --key.",
     "  $ vouch ledger get --dir ledger 5f0c...e1 --out statement.cose --receipt receipt.cose\n"
     "  $ vouch ledger get --dir ledger --index 0\n"
     "  $ vouch ledger get --dir ledger --subject 00112233445566778899aabbccddeeff",
     cmd_ledger_get},
    {"ledger", "prove", "KIND ID", "prove what the ledger holds, or that it holds nothing",
     "KIND is transaction, subject, content, device-key or authority; ID is hexadecimal.",
     "  $ vouch ledger prove --dir ledger subject 00112233445566778899aabbccddeeff -o proof.cbor",
     cmd_ledger_prove},
    {"ledger", "consistency", "SIZE ROOT", "check that the log continues an earlier head", NULL,
     "  $ vouch ledger consistency --dir ledger 4711 9c1e...7a", cmd_ledger_consistency},
    {"ledger", "stats", "", "show how large the ledger is", NULL,
     "  $ vouch ledger stats --dir ledger --json", cmd_ledger_stats},
    {"ledger", "fsck", "", "check a whole ledger from its log on",
     "Recomputes every checksum, entry, proof, state value and signature, and compares the files\n"
     "made of them. May run beside the service.",
     "  $ vouch ledger fsck --dir /var/lib/vouch/ledger --key ledger.pub.pem", cmd_ledger_fsck},
    {"ledger", "export", "", "write the log as C2SP tiles for other tools",
     "An entry of the bundles is the 32-byte SHA-256 of the ledger's entry.",
     "  $ vouch ledger export --dir ledger --to tiles", cmd_ledger_export},
};

int main(int argc, char **argv)
{
    return vch_cli_main("vouch",
                        "proves where data came from, that nobody changed it, and that it was "
                        "shared as its owner allowed",
                        commands, VCH_ARRAY_LEN(commands), argc, argv);
}
