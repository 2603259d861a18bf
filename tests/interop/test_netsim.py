"""vouch-netsim against its interface document, by clients and signature checks written here."""
import base64
import json
import re

import pytest

from conftest import ROOT, program

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("cryptography")

import netsim as lib  # noqa: E402

DOC = ROOT / "docs/api/netsim.yaml"
TYPES = "int.divs.account-status.v0."


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    s = lib.Netsim(program("apps/vouch-netsim"), tmp_path_factory.mktemp("netsim"))
    s.start()
    yield s
    s.stop()


class Contract:
    """Holds every answer against the document; at the end knows what was never exercised."""

    def __init__(self):
        self.doc = yaml.safe_load(DOC.read_text())
        self.seen = set()

    def schema(self, pointer):
        return {"$ref": f"#{pointer}", "components": self.doc["components"]}

    def validate(self, schema, value):
        schema = {**schema, "components": self.doc["components"]}
        jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(value)

    def resolve(self, node):
        while "$ref" in node:
            target = self.doc
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = target
        return node

    def operation(self, method, path):
        path = path.split("?")[0]
        for pattern, item in self.doc["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path) and method.lower() in item:
                return pattern, item[method.lower()]
        raise AssertionError(f"{method} {path} is not in the document")

    def check(self, method, path, answer):
        status, headers, body = answer
        pattern, op = self.operation(method, path)
        assert str(status) in op["responses"], f"{method} {pattern} answered {status}: {body[:200]}"
        response = self.resolve(op["responses"][str(status)])
        self.seen.add((method, pattern, status))
        for name, header in response.get("headers", {}).items():
            if name.lower() in headers:
                self.validate(self.resolve(header)["schema"], headers[name.lower()])
            else:
                assert name == "x-correlator", name
        content = response.get("content")
        if content is None:
            assert body == b""
            return None
        media = headers["content-type"].split(";")[0]
        assert media in content, media
        if "json" not in media:
            return body
        value = json.loads(body)
        self.validate(content[media]["schema"], value)
        return value


@pytest.fixture(scope="module")
def contract():
    return Contract()


@pytest.fixture
def ask(sim, contract):
    def call(client, method, path, obj=None, **headers):
        answer = sim.ask(client, method, path, obj, {k.replace("_", "-"): v for k, v in headers.items()})
        return answer[0], contract.check(method, path, answer), answer[1]
    return call


def subscription(sim, account, types, **config):
    return {"protocol": "HTTP", "sink": sim.sink.url, "types": [TYPES + t for t in types],
            "config": {"subscriptionDetail": {"device": {"phoneNumber": account["msisdn"]}}, **config}}


def test_document_is_valid():
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(yaml.safe_load(DOC.read_text()))


def test_token_is_bound_to_the_certificate(sim, contract):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for cert, body, status in (("as1", "grant_type=client_credentials&client_id=as1", 200),
                               ("as1", "client_id=as1", 400), ("as1", "grant_type=x&client_id=as1", 400),
                               ("as2", "grant_type=client_credentials&client_id=as1", 401),
                               (None, "grant_type=client_credentials&client_id=as1", 403)):
        answer = sim.raw("POST", "/oauth2/token", cert, form, body)
        value = contract.check("POST", "/oauth2/token", answer)
        assert answer[0] == status
        if status == 200:
            jwk = contract.check("GET", "/oauth2/jwks", sim.raw("GET", "/oauth2/jwks"))["keys"][0]
            header, payload = lib.jws_verify(jwk, value["access_token"])
            claims = json.loads(payload)
            assert header["typ"] == "at+jwt"
            assert claims["cnf"]["x5t#S256"] == lib.thumbprint(sim.folder / "as1.pem")
            assert 0 < claims["exp"] - claims["iat"] <= 300


def test_status_and_its_evidence(sim, ask):
    """req-test: Y.2247-8.4-1, Y.2247-9.1-1"""
    account = sim.accounts()[0]
    for selector in ({"device": {"phoneNumber": account["msisdn"]}}, {"sim": {"iccid": account["iccid"]}},
                     {"sim": {"eid": account["eid"]}}, {"equipment": {"imei": account["imei"]}}):
        status, value, headers = ask("as1", "POST", lib.API + "/retrieve", selector, x_correlator="c-1")
        assert status == 200 and headers["x-correlator"] == "c-1"
        assert value["contract"]["status"] == account["status"] and value["binding"]["imei"] == account["imei"]
        assert value["request"] == selector
        header, payload = lib.jws_verify(sim.jwk(), value.pop("evidence"))
        assert header["typ"] == "divs-status+jws" and json.loads(payload) == value
    assert ask("as1", "POST", lib.API + "/retrieve", {"account": {"accountRef": value["accountRef"]}})[0] == 200
    assert ask("as2", "POST", lib.API + "/retrieve", {"account": {"accountRef": value["accountRef"]}})[0] == 404


def test_every_field_can_be_asked_alone(sim, ask, contract):
    account = sim.accounts()[0]
    for name in contract.doc["components"]["schemas"]["Fields"]["items"]["enum"]:
        _, value, _ = ask("as1", "POST", lib.API + "/retrieve",
                          {"device": {"phoneNumber": account["msisdn"]}, "fields": [name]})
        group, _, member = name.partition(".")
        others = set(value) - {"issuer", "audience", "request", "accountRef", "lastChecked", "withheld", "evidence"}
        if name != "area.limitArea":  # there is none
            assert others == {group}
            assert not member or set(value[group]) == {member}


def test_match_and_batch(sim, ask):
    a, b = sim.accounts()[:2]
    _, value, _ = ask("as1", "POST", lib.API + "/match",
                      {"device": {"phoneNumber": a["msisdn"]}, "equipment": {"imei": b["imei"]}})
    assert value["match"] == {"msisdn": True, "imei": False}
    _, value, _ = ask("as2", "POST", lib.API + "/retrieve-batch",
                      {"requests": [{"device": {"phoneNumber": x["msisdn"]}} for x in (a, b)]})
    assert value["results"][0]["request"]["device"]["phoneNumber"] == a["msisdn"]
    assert value["results"][1]["code"] == "IDENTIFIER_NOT_FOUND"


def test_refusals(sim, ask, contract):
    a = sim.accounts()[0]
    me = {"device": {"phoneNumber": a["msisdn"]}}
    for path in ("/retrieve", "/match", "/retrieve-batch"):
        assert ask("as1", "POST", lib.API + path, "{")[0] == 400
        assert ask("as1", "POST", lib.API + path, me, x_correlator="a b")[0] == 400
        answer = sim.raw("POST", lib.API + path, "as1", {"Content-Type": "application/json"}, json.dumps(me))
        contract.check("POST", lib.API + path, answer)
        assert answer[0] == 401
        answer = sim.raw("POST", lib.API + path, None, {"Content-Type": "application/json"}, json.dumps(me))
        contract.check("POST", lib.API + path, answer)
        assert answer[0] == 403
    for path in ("/retrieve", "/match"):
        assert ask("as1", "POST", lib.API + path, {})[0] == 422
        assert ask("as1", "POST", lib.API + path, {"device": {"phoneNumber": "+9990199999999"}})[0] == 404
    stolen = sim.raw("POST", lib.API + "/match", "as2",
                     {"Content-Type": "application/json", "Authorization": "Bearer " + sim.token("as1")},
                     json.dumps(me))
    contract.check("POST", lib.API + "/match", stolen)
    assert stolen[0] == 401


def test_subscription_and_notifications(sim, ask, contract):
    """req-test: Y.2247-8.4-2, Y.2247-8.4-3, Y.2247-8.4-4, Y.2247-8.4-5"""
    a = sim.accounts()[2]
    number = ["--msisdn", a["msisdn"]]
    rq = subscription(sim, a, ["contract-terminated", "contract-status-changed", "imei-changed", "sim-changed",
                               "owner-changed", "area-changed"], initialEvent=True)
    rq["sinkCredential"] = {"credentialType": "ACCESSTOKEN", "accessTokenType": "bearer", "accessToken": "t0"}
    status, sub, headers = ask("as1", "POST", lib.SUBS, rq)
    assert status == 201 and headers["location"] == f"{lib.SUBS}/{sub['id']}"
    assert ask("as1", "POST", lib.SUBS, rq)[0] == 409
    me = f"{lib.SUBS}/{sub['id']}"
    sim.ctl("suspend", *number, "--reason", "unpaid")
    sim.ctl("resume", *number)
    sim.ctl("renew", *number, "--open-ended")
    sim.ctl("swap-device", *number)
    sim.ctl("swap-sim", *number)
    sim.ctl("change-owner", *number)
    sim.ctl("restrict-area", *number, "--area", '{"areaType":"COUNTRIES","countries":["CH"]}')
    sim.ctl("restrict-area", *number, "--lift")
    sim.ctl("change-number", *number)
    number = ["--iccid", json.loads(sim.ctl("show", "--eid", sim.accounts()[2]["eid"]))["iccid"]]
    sim.ctl("terminate", *number)
    sim.ctl("resume", *number, status=1)
    sim.sink.wait(11)
    feed = ask("as1", "GET", f"{lib.EVENTS}?accountRef={sub['accountRef']}&afterSeq=0")[1]
    assert feed["lastSeq"] == len(feed["events"]) == 11 and not feed["more"]
    for seq, (head, body) in enumerate(sim.sink.got[:11], 1):
        event = json.loads(body)
        contract.validate({"$ref": "#/components/schemas/Event"}, event)
        assert event["data"]["seq"] == seq and head["Authorization"] == "Bearer t0"
        assert head["Content-Type"] == "application/cloudevents+json"
        first, last = head["x-jws"].split("..")
        compact = f"{first}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.{last}"
        assert lib.jws_verify(sim.jwk(), compact)[0]["typ"] == "divs-event+jws"
        assert compact == feed["events"][seq - 1]
    assert [json.loads(b)["type"][len(TYPES):] for _, b in sim.sink.got[:11]] == [
        "contract-terminated", "contract-status-changed", "contract-status-changed", "contract-status-changed",
        "imei-changed", "sim-changed", "owner-changed", "area-changed", "area-changed", "sim-changed",
        "contract-terminated"]
    status, value, headers = ask("as1", "GET", me)
    assert status == 200 and headers["etag"] == '"1"'
    patch = {"types": [TYPES + "owner-changed"]}
    assert ask("as1", "PATCH", me, patch)[0] == 428
    assert ask("as1", "PATCH", me, patch, If_Match='"7"')[0] == 412
    assert ask("as1", "PATCH", me, "[]", If_Match='"1"')[0] == 400
    status, value, headers = ask("as1", "PATCH", me, patch, If_Match='"1"',
                                 Content_Type="application/merge-patch+json")
    assert status == 200 and headers["etag"] == '"2"' and value["types"] == patch["types"]
    other = {"config": {"subscriptionDetail": {"device": {"phoneNumber": sim.accounts()[4]["msisdn"]}}}}
    assert ask("as1", "PATCH", me, other, If_Match='"2"')[0] == 422
    for method in ("GET", "PATCH", "DELETE"):
        assert ask("as2", method, me, patch if method == "PATCH" else None, If_Match='"2"')[0] == 404
    assert [s["id"] for s in ask("as1", "GET", lib.SUBS)[1]] == [sub["id"]]
    assert ask("as1", "GET", lib.SUBS + "?limit=900")[0] == 400
    assert ask("as1", "DELETE", me)[0] == 204
    assert ask("as1", "DELETE", me)[0] == 404
    assert ask("as1", "GET", lib.SUBS)[1] == []


def test_subscriptions_refused(sim, ask):
    a, tracker = sim.accounts()[4], sim.accounts()[1]
    good = subscription(sim, a, ["imei-changed"])
    for change, status in (({"protocol": "MQTT5"}, 400), ({"sink": "http://localhost/n"}, 400),
                           ({"sink": sim.sink.url + "/../x"}, 400), ({"types": []}, 400),
                           ({"types": [TYPES + "anything"]}, 400), ({"config": {}}, 400),
                           ({"config": {"subscriptionDetail": {}}}, 422),
                           ({"config": {"subscriptionDetail": {"device": {"phoneNumber": "*"}}}}, 400),
                           ({"sinkCredential": {"credentialType": "PLAIN"}}, 400), ({"extra": 1}, 400)):
        assert ask("as1", "POST", lib.SUBS, {**good, **change})[0] == status, change
    assert ask("as2", "POST", lib.SUBS, good)[0] == 400  # no sink is registered for it
    assert ask("as1", "POST", lib.SUBS, subscription(sim, {"msisdn": "+9990199999999"}, ["imei-changed"]))[0] == 404
    assert ask("as2", "POST", lib.API + "/retrieve", {"device": {"phoneNumber": tracker["msisdn"]}})[0] == 404
    assert ask("as1", "GET", lib.EVENTS)[0] == 400
    assert ask("as1", "GET", lib.EVENTS + "?accountRef=" + "0" * 32)[0] == 404


def test_metrics_count_look_ups(sim, contract):
    """req-test: Y.2247-9.1-1 (the latency of look-ups is recorded)"""
    def count():
        answer = sim.raw("GET", "/metrics", "as1")
        text = contract.check("GET", "/metrics", answer).decode()
        return int(float(re.search(r"netsim_usm_lookup_seconds_count (\S+)", text).group(1)))
    before = count()
    a = sim.accounts()[0]
    assert sim.ask("as1", "POST", lib.API + "/retrieve", {"device": {"phoneNumber": a["msisdn"]}})[0] == 200
    assert count() == before + 1
    answer = sim.raw("GET", "/metrics")
    contract.check("GET", "/metrics", answer)
    assert answer[0] == 403


def test_commands_explain_their_mistakes(sim):
    assert b"--effective-at" in sim.call("ctl", "terminate", "--help")
    sim.call("run", "--config", sim.config, "--check")
    sim.call("run", "--config", ROOT / "apps/vouch-netsim/netsim.example.yaml", "--check")
    sim.call("init", "--config", sim.config, status=1)  # it exists
    sim.ctl("terminate", status=64)
    sim.ctl("renew", "--msisdn", "+999010000000", status=64)
    sim.ctl("terminate", "--msisdn", "+9990199999999", status=1)
    sim.ctl("terminate", "--msisdn", "12", status=1)
    before = len(sim.accounts())
    added = json.loads(sim.ctl("add-subscriber", "--segment", "meters"))
    assert added["status"] == "active" and added["segment"] == "meters"
    assert before == 10
    assert json.loads(sim.ctl("show", "--imei", added["imei"]))["msisdn"] == added["msisdn"]


def test_log_names_nobody(sim):
    text = "".join(sim.log)
    assert "event=\"served\"" in text
    for a in sim.accounts():
        for member in ("msisdn", "iccid", "imei", "eid"):
            assert a[member].lstrip("+") not in text


def test_everything_documented_was_exercised(contract):
    """Runs last: each operation with each status it can be brought to from outside."""
    missing = []
    for pattern, item in contract.doc["paths"].items():
        for method in ("get", "post", "patch", "delete"):
            for status in item.get(method, {}).get("responses", {}):
                if status in ("503", "504") or (method.upper(), pattern, int(status)) in contract.seen:
                    continue
                if status in ("401", "403", "409", "422"):
                    continue  # the same code for every operation; exercised where it is told apart
                missing.append((method, pattern, status))
    assert not missing, missing
