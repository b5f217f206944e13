"""What a model is offered depends on who asks."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage
from pydantic import Field

from agents._scripted import ScriptedModel
from api.settings import Settings
from crm.seed.people import ANN_POE, NORTHWIND
from tests.service import SAM, open_world
from tools._catalogue import load_catalogue
from trust.scopes import ALL_SCOPES


class Listening(ScriptedModel):
    """Keeps the names of the tools that it was offered."""

    offered: list[str] = Field(default_factory=list)

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        self.offered += [tool["function"]["name"] for tool in tools]
        return super().bind_tools(tools, **kwargs)


async def test_a_customer_is_offered_the_tools_for_customers_only(settings: Settings) -> None:
    model = Listening(lines=[AIMessage("hello"), AIMessage("hello")])
    for_customers = {tool.name for tool in load_catalogue().values() if tool.for_customers}
    async with open_world(settings, model=model) as world:
        world.tokens["customer"] = world.service.authenticator.issue(NORTHWIND, ANN_POE.contact_id, ALL_SCOPES)
        for who in ("customer", SAM):
            await world.say(who, await world.open_thread(who), "show my open cases")
            offered = set(model.offered)
            model.offered.clear()
            assert (offered <= for_customers) is (who == "customer")
            assert "fetch_cases" in offered
