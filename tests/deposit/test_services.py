"""Services and tokens cannot be mixed up, and a token goes to its service and nowhere else."""

import copy
import pickle
import traceback

import pytest
import requests
from bioagree.errors import InputError
from bioagree.publication.invenio import Client, Refused, Uncertain
from bioagree.publication.services import PRODUCTION, SANDBOX, Service, service_of, token_of

SECRET = "very-secret-token-1234"
OWN = {"url": "https://data.example.org", "prefix": "10.1234"}


def test_sandbox_and_production_differ_in_all_that_matters():
    assert service_of("sandbox") == SANDBOX
    assert service_of("production") == PRODUCTION
    for name in ("url", "prefix", "variable"):
        assert getattr(SANDBOX, name) != getattr(PRODUCTION, name)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("zenodo", "'zenodo' is unknown; allowed are sandbox, production"),
        (OWN | {"url": "http://data.example.org"}, "must be addressed with https"),
        (OWN | {"url": "https://zenodo.org"}, "say sandbox or production"),
        (OWN | {"url": "https://sandbox.zenodo.org"}, "say sandbox or production"),
        (OWN | {"url": "https://data.example.org/api"}, "the address of a server and nothing"),
        (OWN | {"url": "https://me:secret@data.example.org"}, "the address of a server"),
        (OWN | {"url": "https://data.example.org:port"}, "the address of a server"),
        (OWN | {"url": "data.example.org"}, "the address of a server"),
        (OWN | {"prefix": "doi.org"}, "'doi.org' is no prefix of DOIs"),
    ],
)
def test_an_address_that_a_token_must_not_go_to_is_refused(setting, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        service_of(setting)
    assert "secret" not in str(caught.value)


def test_http_is_for_this_machine_alone():
    assert service_of(OWN | {"url": "http://127.0.0.1:5000"}).url == "http://127.0.0.1:5000"


def test_each_service_has_a_token_of_its_own():
    environment = {"ZENODO_TOKEN": SECRET}
    assert token_of(PRODUCTION, environment).reveal() == SECRET
    with pytest.raises(InputError, match="ZENODO_TOKEN is for another service") as caught:
        token_of(SANDBOX, environment)
    assert SECRET not in str(caught.value)
    with pytest.raises(InputError, match="ZENODO_SANDBOX_TOKEN with a token of sandbox is not set"):
        token_of(SANDBOX, {})


@pytest.mark.parametrize(
    "text", ["short", f"two {SECRET}", f"{SECRET}\nX-Header: 1", "schlüssel-1"]
)
def test_what_cannot_be_a_token_is_refused_and_not_repeated(text):
    with pytest.raises(InputError, match="holds no token") as caught:
        token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": text})
    assert text not in str(caught.value)


def test_a_token_does_not_show_itself():
    token = token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": SECRET})
    client = Client(SANDBOX, token)
    for shown in (repr(token), str(token), f"{token}", repr(client), repr(vars(client))):
        assert SECRET not in shown
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written anywhere"):
            write(token)


def test_the_token_is_not_sent_to_another_host():
    client = Client(SANDBOX, token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": SECRET}))
    prepare = client._session.prepare_request
    for url in (
        "https://zenodo.org/api/records",
        "https://sandbox.zenodo.org.example.org/api",
        "http://sandbox.zenodo.org/api",
    ):
        assert "Authorization" not in prepare(requests.Request("GET", url)).headers
    sent = prepare(requests.Request("GET", "https://sandbox.zenodo.org/api/records"))
    assert sent.headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in sent.url


def test_netrc_does_not_replace_the_token(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine sandbox.zenodo.org login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = Client(SANDBOX, token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": SECRET}))
    asked = requests.Request("GET", "https://sandbox.zenodo.org/api/records")
    sent = client._session.prepare_request(asked)
    assert sent.headers["Authorization"] == f"Bearer {SECRET}"


def test_no_exception_has_the_token_or_the_request():
    own = Service("nobody", "http://127.0.0.1:9", "10.1234", "INVENIO_TOKEN", "Nobody")
    client = Client(own, token_of(own, {"INVENIO_TOKEN": SECRET}), pause=0.01)
    with pytest.raises(Uncertain, match="nobody cannot be reached") as caught:
        client.get("/records")
    error = caught.value
    told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert SECRET not in told
    while error:
        assert not isinstance(error, requests.RequestException)
        assert not hasattr(error, "request")
        error = error.__cause__ or error.__context__


def test_an_answer_that_repeats_the_token_is_cleaned():
    client = Client(SANDBOX, token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": SECRET}))
    answer = requests.Response()
    answer.status_code = 400
    answer._content = f'{{"message": "Token {SECRET} is odd."}}'.encode()
    with pytest.raises(Refused, match="Token … is odd"):
        client._read("GET", "/records", answer)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    own = service_of(OWN | {"url": "http://127.0.0.1:9"})
    client = Client(own, token_of(own, {"INVENIO_TOKEN": SECRET}))
    assert not client._session.trust_env
    assert Client(SANDBOX, token_of(SANDBOX, {"ZENODO_SANDBOX_TOKEN": SECRET}))._session.trust_env
