"""Asking a model again: where that may help, after a pause, and never once it has spoken."""

from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessage, HumanMessage

from agents._calling import ModelError, Patience, call_model, may_pass
from agents._scripted import ScriptedModel


class StatusError(Exception):
    """What the clients of providers raise for an HTTP status."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status_code = status
        self.response = httpx.Response(status, headers=headers or {})


class AWSError(Exception):
    response: dict[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 503}}  # noqa: RUF012


def response_error(status: int) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://model")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(status))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        pytest.param(StatusError(429), True, id="rate-limit"),
        pytest.param(StatusError(500), True, id="server"),
        pytest.param(StatusError(400), False, id="bad-request"),
        pytest.param(StatusError(401), False, id="key"),
        pytest.param(StatusError(404), False, id="no-such-model"),
        pytest.param(AWSError(), True, id="status-in-metadata"),
        pytest.param(response_error(502), True, id="status-of-response"),
        pytest.param(response_error(403), False, id="forbidden"),
        pytest.param(httpx.ConnectError("no"), True, id="unreachable"),
        pytest.param(httpx.RemoteProtocolError("cut"), True, id="cut"),
        pytest.param(ConnectionResetError(), True, id="reset"),
        pytest.param(ValueError("bug"), False, id="anything-else"),
    ],
)
def test_what_may_pass(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


async def ask(*lines: Any, retries: int = 2) -> tuple[str, list[str]]:
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    model = ScriptedModel(lines=list(lines))
    answer = await call_model(model, [HumanMessage("hi")], [], Patience(5, retries, 0.001), hear)
    return answer.text.strip(), heard


async def test_a_busy_model_is_asked_again() -> None:
    text, heard = await ask(StatusError(429, {"retry-after": "0"}), StatusError(503), AIMessage("There you are"))
    assert text == "There you are"
    assert "".join(heard).strip() == text


async def test_in_the_end_it_is_given_up() -> None:
    with pytest.raises(ModelError, match="StatusError"):
        await ask(*[StatusError(429, {"retry-after": "0"})] * 3)
    with pytest.raises(ModelError, match="StatusError"):
        await ask(StatusError(500), AIMessage("never"), retries=0)


async def test_a_refusal_stands() -> None:
    with pytest.raises(ModelError, match="StatusError"):
        await ask(StatusError(400), AIMessage("never"))


async def test_a_model_that_has_spoken_is_not_asked_again() -> None:
    class Breaking(ScriptedModel):
        def _stream(self, *args: Any, **kwargs: Any) -> Any:
            yield from super()._stream(*args, **kwargs)
            raise StatusError(500)

    told: list[str] = []

    async def hear(text: str) -> None:
        told.append(text)

    model = Breaking(lines=[AIMessage("half"), AIMessage("again")])
    with pytest.raises(ModelError):
        await call_model(model, [HumanMessage("hi")], [], Patience(5, 2, 0.001), hear)
    assert len(model.heard) == 1


def test_pauses_grow_and_follow_the_provider_within_reason() -> None:
    patience = Patience()
    assert [patience.wait_s(n, ValueError()) for n in range(3)] == [0.25, 1.0, 4.0]
    assert patience.wait_s(0, StatusError(429, {"retry-after": "3"})) == 3
    assert patience.wait_s(0, StatusError(429, {"retry-after": "9999"})) == 20
    assert patience.wait_s(0, StatusError(429, {"retry-after": "Fri, 27 Nov 2026"})) == 0.25
