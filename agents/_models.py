"""Chat models by name: `offline`, or `provider:name` for anything LangChain can call."""

from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agents._offline import OfflineModel

# Endpoints that only look like OpenAI's know this interface best, and it is the one without a memory of its own.
_PLAIN_OPENAI: dict[str, Any] = {"store": False, "use_responses_api": False}
_KEEP_NOTHING: dict[str, dict[str, Any]] = {
    "openai": _PLAIN_OPENAI,
    "azure_openai": _PLAIN_OPENAI,
    "openrouter": {"openrouter_provider": {"data_collection": "deny"}},
}
"""Provider -> the options that forbid it to keep prompts. The others have none; there a contract has to say so."""


class UnknownModelError(Exception):
    """The model's name cannot be understood, or the package of its provider is not installed."""


def make_model(name: str, *, base_url: str | None = None, api_key: str | None = None) -> BaseChatModel:
    """A chat model with tool calling. Raises: UnknownModelError that says what to install or write."""
    if name == "offline":
        return OfflineModel()
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise UnknownModelError(f"model {name!r}: expected 'offline' or 'provider:name', such as 'openai:gpt-5'")
    options: dict[str, Any] = {"timeout": 60, "max_retries": 0}  # the gateway asks again, and counts
    if base_url is not None:
        options["base_url"] = base_url
    if api_key is not None:
        options["api_key"] = api_key
    options |= _KEEP_NOTHING.get(provider, {})
    try:
        found: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        raise UnknownModelError(f"model {name!r} needs a package: pip install 'countersign[{provider}]'") from error
    except ValueError as error:
        raise UnknownModelError(f"model {name!r}: {error}") from error
    return found
