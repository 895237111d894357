"""API keys: their form, hashes in the file, rotation, revocation, and what the command line says of them."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import json
import subprocess
import time
import zlib

import pytest

import gateway
from gateway import BINARY, KEY, chat_body, gemini_body, message_body
from raw_client import EventStream, RawConnection, poll, request

PEPPER = "sk-test-pepper-0123456789abcdef0123"
BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def make(number: int, prefix: str = "sk-ps1_", secret: str = "s") -> str:
    """A key as the gateway makes them, computed here; the secret is no secret."""
    text = f"{prefix}Test{number:08d}_{secret * 32}"
    value, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        value, digit = divmod(value, 62)
        digits = BASE62[digit] + digits
    return text + digits


def hashed(key: str, pepper: str = PEPPER) -> str:
    digest = hmac.new(pepper.encode(), key.encode(), hashlib.sha256).hexdigest()
    return f"hmac-sha256:{key.split('_')[1]}:{digest}"


def in_seconds(count: float) -> str:
    """A date of the configuration, whole seconds, at least that far away."""
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=count + 1)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def config(mock, *keys: dict, pepper: str | None = PEPPER) -> dict:
    made = gateway.standard(mock.base)
    made["keys"] += list(keys)
    if pepper:
        made["server"] = {"key_pepper": pepper}
    return made


def code(answer) -> str:
    return answer.json()["error"]["code"]


def refuses(running, key: str, connection: RawConnection | None = None):
    """The answer to a small request, on a connection of its own or on one that is kept."""
    if connection is None:
        return running.call("GET", "/v1/models", key=key)
    connection.send(request("GET", "/v1/models", key, None))
    return connection.read()


def keys_command(running, *arguments: str, text: str = "", key_text: str | None = None):
    return subprocess.run([str(BINARY), "keys", *arguments], input=key_text or text, cwd=running.directory,
                          env=running.env, capture_output=True, text=True, timeout=30)


# ---------------------------------------------------------------- the form


def test_typing_errors_and_kinds(launch, mock):
    right = make(1)
    running = launch(config(mock, {"name": "ci", "secret": right}))
    assert running.chat(key=right).status == 200
    assert running.chat(key=KEY).status == 200, "a secret of the operator's choosing needs no form"
    swapped = right[:9] + right[10] + right[9] + right[11:]
    for wrong in (right[:-1], right + "x", swapped if swapped != right else right.swapcase(),
                  right.replace("Test", "Tset"), "sk-ps1_", right[:20] + "S" + right[21:]):
        answer = running.chat(key=wrong)
        assert (answer.status, code(answer)) == (401, "mistyped_api_key"), wrong
        assert "mistyped" in answer.json()["error"]["message"]
    for unknown in (make(2), make(1, secret="t"), "sk-test-nobodys-key-0000"):
        answer = running.chat(key=unknown)
        assert (answer.status, code(answer)) == (401, "invalid_api_key")
    for admin in (make(1, "sk-psa1_"), "sk-psa1_"):
        answer = running.chat(key=admin)
        assert (answer.status, code(answer)) == (401, "admin_api_key")
        assert "inference key" in answer.json()["error"]["message"]
    assert right.encode() not in b"".join(f.read_bytes() for f in running.directory.glob("*.log"))


@pytest.mark.parametrize("target, body, wanted", [
    ("/v1/chat/completions", chat_body(), ("error", "type", "invalid_request_error")),
    ("/v1/messages", message_body(), ("error", "type", "authentication_error")),
    ("/v1beta/models/gemini-test:generateContent", gemini_body(), ("error", "status", "UNAUTHENTICATED")),
])
def test_refusals_speak_the_callers_dialect(gw, target, body, wanted):
    answer = gw.call("POST", target, body, key=make(1)[:-1])
    assert answer.status == 401
    outer, inner, value = wanted
    assert answer.json()[outer][inner] == value, answer.body
    assert "mistyped" in answer.json()[outer]["message"]


# ---------------------------------------------------------------- hashes


def test_a_hash_in_the_file(launch, mock):
    """The key itself is in no file and no variable, and survives a restart of the process."""
    key = make(1)
    running = launch(config(mock, {"name": "ci", "hash": hashed(key), "org": "acme", "team": "search",
                                   "service_account": "indexer"}))
    answer = running.chat(key=key)
    assert answer.status == 200
    record = running.record(answer.headers["x-request-id"])
    assert {k: record.get(k) for k in ("key", "key_id", "org", "team", "service_account")} == {
        "key": "ci", "key_id": "Test00000001", "org": "acme", "team": "search", "service_account": "indexer"}
    assert "user" not in record and "key_state" not in record
    assert running.metric("penstock_requests_total", org="acme", team="search", outcome="completed") == 1
    assert running.metric("penstock_tokens_total", org="acme", team="search") > 0
    assert running.chat(key=make(1, secret="t")).status == 401, "the id alone opens nothing"
    plain = running.chat(key=KEY)
    assert not {"key_id", "org", "team"} & set(running.record(plain.headers["x-request-id"]))
    running.stop()
    running.start()
    assert running.chat(key=key).status == 200


def test_a_hash_without_a_pepper_is_refused_and_explained(launch, mock):
    running = launch(config(mock, pepper=None))
    running.write_config(config(mock, {"name": "ci", "hash": hashed(make(1))}, pepper=None))
    answer = running.command("check")
    assert answer.returncode == 1 and "E2119" in answer.stdout and "server.key_pepper" in answer.stdout
    assert "random" in answer.stdout


def test_the_pepper_is_hot(launch, mock):
    """With another pepper secrets go on working, hashes of the old one do not, nor does a remembered match."""
    one, two = make(1), make(2)
    other = PEPPER[::-1]
    running = launch(config(mock, {"name": "a", "secret": one}, {"name": "b", "hash": hashed(two)}))
    kept = running.connect()
    assert refuses(running, two, kept).status == 200 and refuses(running, two, kept).status == 200
    running.write_config(config(mock, {"name": "a", "secret": one}, {"name": "b", "hash": hashed(two)}, pepper=other))
    assert running.command("reload").returncode == 0
    assert refuses(running, two, kept).status == 401
    assert refuses(running, one, kept).status == 200
    running.write_config(config(mock, {"name": "b", "hash": hashed(two, other)}, pepper=other))
    assert running.command("reload").returncode == 0
    assert refuses(running, two, kept).status == 200
    assert refuses(running, one, kept).status == 401
    kept.close()


# ---------------------------------------------------------------- time


def test_rotation_with_an_overlap(launch, mock):
    """Both work until the time that is given, also on a connection that has the old one in its memory."""
    old, new = make(1), make(2)
    running = launch(config(mock, {"name": "ci", "hash": hashed(new), "limits": {"rpm": 1000},
                                   "previous": {"secret": old, "until": in_seconds(2)}}))
    kept = running.connect()
    first = refuses(running, old, kept)
    assert first.status == 200 and refuses(running, old, kept).status == 200
    assert running.chat(key=new).status == 200
    record = running.record(first.headers["x-request-id"])
    assert (record["key"], record["key_id"], record["key_state"]) == ("ci", "Test00000001", "previous")

    def is_over() -> bool:
        answer = refuses(running, old, kept)
        if answer.status == 401:
            assert code(answer) == "replaced_api_key"
        return answer.status == 401

    poll(is_over, 10, "the overlap ends")
    assert refuses(running, new, kept).status == 200
    assert refuses(running, old).status == 401
    kept.close()


@pytest.mark.parametrize("field, wanted", [("expires", "expired_api_key"), ("revoked", "revoked_api_key")])
def test_a_memory_does_not_outlive_its_time(launch, mock, field, wanted):
    key = make(1)
    running = launch(config(mock, {"name": "ci", "secret": key, field: in_seconds(2)}))
    kept = running.connect()
    assert refuses(running, key, kept).status == 200 and refuses(running, key, kept).status == 200
    poll(lambda: refuses(running, key, kept).status == 401, 10, "the time has come")
    answer = refuses(running, key, kept)
    assert code(answer) == wanted
    record = running.record(answer.headers["x-request-id"])
    assert (record["key"], record["error"], record["status"]) == ("ci", wanted, 401)
    kept.close()


# ---------------------------------------------------------------- revocation by reload


def test_revoked_while_a_stream_runs(launch, mock):
    """Within a second of the change new requests are refused, on kept connections too; the running stream may end."""
    key = make(1)
    before = config(mock, {"name": "ci", "secret": key}, {"name": "other", "secret": make(2)})
    before["providers"]["slow"] = {"type": "echo", "faults": {"event_delay": "300ms"}}
    before["models"]["slow"] = {"use": "slow/x"}
    running = launch(before)
    kept = running.connect()
    assert refuses(running, key, kept).status == 200
    connection = running.connect()
    connection.send(request("POST", "/v1/chat/completions", key,
                            chat_body("slow", "a b c d e f g h i j k l m n o p q r s t", stream=True)))
    stream = EventStream(connection)
    assert stream.head.status == 200
    after = json.loads(json.dumps(before))
    times = []
    for _ in range(3):  # the best of three: the machine may be busy with other things
        after["keys"][1]["revoked"] = True
        running.write_config(after)
        changed = time.monotonic()
        poll(lambda: refuses(running, key, kept).status == 401, 10, "the key is refused", every=0.02)
        times.append(time.monotonic() - changed)
        assert code(refuses(running, key)) == "revoked_api_key"
        assert refuses(running, make(2), kept).status == 200, "the others go on"
        after["keys"][1]["revoked"] = False
        running.write_config(after)
        poll(lambda: refuses(running, key, kept).status == 200, 10, "the key is taken again")
    assert min(times) < 1.0, times
    stream.drain()
    connection.close()
    kept.close()
    del after["keys"][1]
    running.write_config(after)
    assert running.command("reload").returncode == 0
    assert code(refuses(running, key)) == "invalid_api_key"


# ---------------------------------------------------------------- the command line


def test_keys_new_with_a_pepper(launch, mock):
    """What it prints is pasted into the file, and the key works; the key is in no file."""
    running = launch(config(mock))
    made = running.command("keys", "new", "--name", "ci", "--org", "acme", "--model", "gpt-*", "-o", "json")
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    key = answer["key"]
    assert key.startswith("sk-ps1_" + answer["id"] + "_") and len(key) == 58
    assert answer["hash"] == hashed(key) and "variable" not in answer
    assert key not in answer["yaml"] and key not in made.stderr
    complete = running.complete(config(mock))
    keys = "".join(f"  - {json.dumps(k)}\n" for k in complete.pop("keys"))
    text = "".join(f"{name}: {json.dumps(value)}\n" for name, value in complete.items())
    running.write_text(f"{text}keys:\n{keys}{answer['yaml']}")
    assert running.command("reload").returncode == 0
    assert running.chat(key=key).status == 200
    assert code(running.chat("echo-test", key=key)) == "model_not_allowed"

    for arguments, given, state, status in [((), key, "active", 0), ((), key[:-1], "mistyped", 1),
                                            ((), make(7), "unknown", 1), ((), make(7, "sk-psa1_"), "wrong_kind", 1),
                                            ((), KEY, "active", 0)]:
        checked = keys_command(running, "check", "-c", str(running.config_file), "-o", "json", key_text=given + "\n")
        report = json.loads(checked.stdout)
        assert (report["state"], checked.returncode) == (state, status), checked.stdout + checked.stderr
        assert given not in checked.stdout + checked.stderr
    checked = keys_command(running, "check", "-c", str(running.config_file), key_text=key)
    assert f"id        {answer['id']}" in checked.stdout and "org       acme" in checked.stdout


def test_keys_new_without_a_pepper(tmp_path):
    def run(*arguments: str, env=None):
        return subprocess.run([str(BINARY), "keys", *arguments], cwd=tmp_path, capture_output=True, text=True,
                              timeout=30, input="", env=env)

    made = run("new", "--name", "build-bot", "--expires", "2099-01-31")
    assert made.returncode == 0, made.stderr
    key = made.stdout.split()[0]
    assert made.stdout.count(key) == 1 and key.startswith("sk-ps1_")
    assert 'secret: "${PENSTOCK_KEY_BUILD_BOT}"' in made.stdout and "expires: 2099-01-31" in made.stdout
    (tmp_path / "pepper").write_text(PEPPER + "\n")
    peppered = json.loads(run("new", "--name", "x", "--pepper-file", "pepper", "-o", "json").stdout)
    assert peppered["hash"] == hashed(peppered["key"])
    wrong = run("new", "--name", "x", "--scope", "inferrence")
    assert wrong.returncode == 1 and "did you mean `inference`?" in wrong.stderr and wrong.stdout == ""
    (tmp_path / "gateway.yaml").write_text("version: 1\nserver: { key_pepper: \"${NOT_SET_HERE}\" }\n")
    unknown = run("new", "--name", "x")
    assert unknown.returncode == 1 and "E1402" in unknown.stderr and unknown.stdout == "", "never quietly without it"
