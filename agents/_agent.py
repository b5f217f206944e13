"""What a domain agent is: who it is for, what it may use, how it is told to work."""

from dataclasses import dataclass

from tools._declare import Tool


@dataclass(frozen=True)
class DomainAgent:
    """One of the copilot's specialists. A tool that it does not list does not exist for it."""

    name: str
    label: str
    handles: tuple[str, ...]
    """Words and phrases of its field; the router reads them."""
    home_object: str | None
    """Callers who may edit this object start here when their words point nowhere."""
    instructions: str
    tools: tuple[Tool, ...]
    is_outside: bool = False
    """Whether a model that is not the service's makes its calls: what that has read, nobody here knows."""

    @property
    def tool_names(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.tools)
