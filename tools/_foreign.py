"""Tools of others as tools of this service: what was reviewed of them, and a call that goes to their server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import ConfigDict, model_validator

from tools._declare import (
    Arguments,
    Integrity,
    Proposal,
    Result,
    Tool,
    ToolContext,
    ToolFailedError,
    ToolRetryError,
    output,
)
from tools._foreign_schema import check_arguments, plain_schema
from trust.actions import Effect, ForeignCall


class ForeignArguments(Arguments):
    """Arguments of a tool that says itself what it takes; each tool has a class of its own."""

    model_config = ConfigDict(extra="allow", frozen=True)
    tool_name: ClassVar[str] = ""
    reviewed: ClassVar[dict[str, Any]] = {}

    @model_validator(mode="before")
    @classmethod
    def check(cls, given: Any) -> Any:
        try:
            check_arguments(cls.tool_name, cls.reviewed, given)
        except ToolRetryError as error:
            raise ValueError(str(error)) from None
        return given

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What was reviewed."""
        return cls.reviewed

    def given(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


class ForeignAnswer(Result):
    text: str = output("What the server of others answered, in its words.", integrity=Integrity.EXTERNAL)


class VouchedAnswer(Result):
    text: str = output("What the server answered; an administrator vouches for it.", integrity=Integrity.STAFF)


@dataclass(frozen=True)
class Reviewed:
    """A foreign tool as an administrator has declared it."""

    server: str
    """Name of the server."""
    name: str
    """As the server has it."""
    full_name: str
    description: str
    effect: Effect
    scope: str
    schema: Mapping[str, Any]
    is_vouched_for: bool = False
    """Whether its answers count as the tenant's own words."""


def foreign_tool(reviewed: Reviewed) -> Tool:
    """Raises: SchemaError."""
    schema = plain_schema(reviewed.schema)
    members: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {},
        "tool_name": reviewed.full_name,
        "reviewed": schema,
    }
    arguments = type(f"Arguments_{reviewed.full_name}", (ForeignArguments,), members)

    answer = VouchedAnswer if reviewed.is_vouched_for else ForeignAnswer

    async def read(context: ToolContext, given: ForeignArguments) -> Result:
        if context.foreign is None:
            raise ToolFailedError("no server of others can be reached")
        return answer(text=await context.foreign.read(reviewed.server, reviewed.name, given.given()))

    async def propose(context: ToolContext, given: ForeignArguments) -> Proposal:
        return Proposal((), call=ForeignCall(reviewed.server, reviewed.name, given.given()))

    reads = reviewed.effect is Effect.READ
    return Tool(
        name=reviewed.full_name,
        description=reviewed.description,
        effect=reviewed.effect,
        scope=reviewed.scope,
        arguments=arguments,
        result=answer if reads else None,
        function=read if reads else propose,
        module=__name__,
        is_foreign=True,
    )
