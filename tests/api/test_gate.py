"""Default deny: where keys are required, nothing below the prefix is open but what the gate names."""

from collections.abc import Iterator

import pytest
from access_app import CHAT, application, key_of, serving, took
from fakes import Fakes
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient, WebSocketDenialResponse

from app.api.admin import AdminRoute
from app.api.gate import PUBLIC
from app.errors import StoreFailed
from tests.access_builders import World

PREFIX = "/api/v1"
ADMIN = "k1d8" + "9f1c7be2a4d05836d1e0c7b69a8f2453"
ID = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"


def operations() -> list[tuple[str, str, bool]]:
    """Return method, path and whether it is the administrators', of every route below the prefixes."""
    found = []
    for context in iter_route_contexts(application(World(), Fakes()).routes):
        template = context.path_format or ""
        if isinstance(context.original_route, APIRoute) and template.startswith((f"{PREFIX}/", "/v1/")):
            path = "/".join(ID if part.startswith("{") else part for part in template.split("/"))
            admin = isinstance(context.original_route, AdminRoute)
            found += [(method, path, admin) for method in sorted(context.methods or ())]
    return found


OPERATIONS = operations()
EVERY = pytest.mark.parametrize(("method", "path", "admin"), OPERATIONS)


def is_public(method: str, path: str) -> bool:
    return (method, path.removeprefix(PREFIX)) in PUBLIC


@pytest.fixture(scope="module")
def fakes() -> Fakes:
    return Fakes()


@pytest.fixture(scope="module")
def world() -> World:
    return World(loopback=False, require_key=True)


@pytest.fixture(scope="module")
def client(world: World, fakes: Fakes) -> Iterator[TestClient]:
    with serving(world, fakes, require_key=True, admin_key=ADMIN) as opened:
        opened.get(CHAT)
        yield opened


def test_the_table_is_whole() -> None:
    assert len(OPERATIONS) > 25
    assert {("GET", "/chat/health")} == PUBLIC
    assert {(method, path.removeprefix(PREFIX)) for method, path, _ in OPERATIONS} >= PUBLIC


@EVERY
def test_who_has_no_key_is_refused_before_anything_is_done(
    client: TestClient, world: World, fakes: Fakes, method: str, path: str, admin: bool
) -> None:
    read: list[bytes] = []

    def body() -> Iterator[bytes]:
        read.append(b"x")
        yield b"x"

    asked = (len(fakes.chat.asked), len(fakes.search.asked), fakes.health.asked, len(world.session_store.asked))
    headers = {"Content-Type": "application/json"}
    reply = client.request(
        method, path, content=body() if method in {"POST", "PUT", "PATCH"} else None, headers=headers
    )
    if is_public(method, path):
        assert reply.status_code == 200
        return
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert read == []
    assert "set-cookie" not in reply.headers
    now = (len(fakes.chat.asked), len(fakes.search.asked), fakes.health.asked, len(world.session_store.asked))
    assert now == asked
    body_of = reply.json()
    assert (body_of.get("code") or body_of["error"]["code"]) == "not_identified"


@EVERY
async def test_everybody_else_gets_as_far_as_the_key_goes(
    client: TestClient, world: World, method: str, path: str, admin: bool
) -> None:
    name = f"k{len(await world.desk.every())}"
    valid, revoked = await key_of(world, name), await key_of(world, f"{name}-revoked")
    await world.desk.revoke(f"{name}-revoked")
    one, none, administrator = (
        client.request(method, path, headers=headers).status_code
        for headers in (valid, revoked, {"Authorization": f"Bearer {ADMIN}"})
    )
    public = is_public(method, path)
    assert (none == 401) == (not public)
    assert (one == 401) == admin
    assert (administrator == 401) == (not admin and not public)


def test_a_refusal_takes_no_time(client: TestClient) -> None:
    took(client, "POST", CHAT)
    fastest = [min(took(client, method, path)[1] for _ in range(3)) for method, path, _ in OPERATIONS]
    assert max(fastest) <= 0.02


@pytest.mark.parametrize(
    "path", ["/api/v1/nothing", "/api/v1/", "/v1/nothing", "/api/v1/chat/health/more", "/api/v1//"]
)
def test_what_is_not_there_is_shut_as_well(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/health", "/", "/docs", "/openapi.json", "/api/v1/chat/health/"]
)
def test_what_operators_need_is_open(client: TestClient, path: str) -> None:
    for method in ("GET", "HEAD"):
        assert client.request(method, path).status_code == 200


def test_a_websocket_without_a_key_is_refused_at_its_handshake(client: TestClient) -> None:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/probe"):
        pass
    assert (refused.value.status_code, refused.value.headers["www-authenticate"]) == (401, "Bearer")


def test_channels_take_keys_after_the_handshake_and_ask_themselves(client: TestClient) -> None:
    for headers in ({}, {"Authorization": "Bearer x"}, {"Cookie": "itsupport_session=x"}):
        with client.websocket_connect("/ws/probe", headers=headers) as socket:
            assert socket.receive_json() == {"error": "not_identified"}


async def test_a_websocket_with_a_key_is_its_owners(client: TestClient, world: World) -> None:
    headers = await key_of(world, "socket", owner="desk")
    with client.websocket_connect("/ws/probe", headers=headers) as socket:
        assert socket.receive_json() == {"owner": "desk"}


async def test_a_server_that_sends_no_responses_to_websockets_closes_them(world: World, fakes: Fakes) -> None:
    app = application(world, fakes, require_key=True)
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    async with app.router.lifespan_context(app) as state:
        given = dict(state or {})
        scope = {"type": "websocket", "path": "/probe", "headers": [], "query_string": b"", "state": given}
        await app(scope, None, send)  # type: ignore[arg-type] # nothing is received
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "not_identified"}]


def test_where_no_admin_key_is_set_administrators_need_one_like_everybody() -> None:
    world = World(require_key=True)
    with serving(world, require_key=True) as client:
        for method, path, admin in OPERATIONS:
            if admin:
                assert client.request(method, path).status_code == 401


async def test_while_nobody_can_tell_nobody_gets_in(world: World) -> None:
    closed = World(require_key=True)
    headers = await key_of(closed, "ci")
    closed.key_store.down = True
    with serving(closed, require_key=True) as client:
        reply = client.post(CHAT, json={"query": "x"}, headers=headers)
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "2")
    with pytest.raises(StoreFailed):
        await closed.keys.of(headers["Authorization"].removeprefix("Bearer "))


HOSTILE = [
    '{"$ne": ""}',
    "[$ne]=",
    "null",
    "true",
    "0",
    "",
    " ",
    "' OR 1=1 --",
    "its_" + "a" * 49,
    "its_*",
    "%00",
    "\xff",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("field", ["bearer", "cookie", "host-cookie", "basic", "query"])
def test_operators_and_other_tricks_open_nothing(client: TestClient, field: str, text: str) -> None:
    raw = text.encode("latin-1")
    header = {
        "bearer": (b"Authorization", b"Bearer " + raw),
        "cookie": (b"Cookie", b"itsupport_session=" + raw),
        "host-cookie": (b"Cookie", b"__Host-itsupport_session=" + raw),
        "basic": (b"Authorization", b"Basic " + raw),
        "query": (b"X-User", raw),
    }[field]
    reply = client.get("/v1/models", headers=[header], params={"api_key": text, "token[$ne]": text})
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "not_identified"
