"""Chat models by name: `offline`, or `provider:name` for anything LangChain can call."""

from typing import Any

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel

from agents._offline import OfflineModel


class UnknownModelError(Exception):
    """The model's name cannot be understood, or the package of its provider is not installed."""


def make_model(name: str, *, base_url: str | None = None, api_key: str | None = None) -> BaseChatModel:
    """A chat model with tool calling. Raises: UnknownModelError that says what to install or write."""
    if name == "offline":
        return OfflineModel()
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise UnknownModelError(f"model {name!r}: expected 'offline' or 'provider:name', such as 'openai:gpt-5'")
    options: dict[str, Any] = {"timeout": 60, "max_retries": 2}
    if base_url is not None:
        options["base_url"] = base_url
    if api_key is not None:
        options["api_key"] = api_key
    if provider == "openai":
        # The provider keeps nothing, and endpoints that only look like OpenAI's know this interface best.
        options |= {"store": False, "use_responses_api": False}
    try:
        found: BaseChatModel = init_chat_model(model, model_provider=provider, **options)
    except ImportError as error:
        raise UnknownModelError(f"model {name!r} needs a package: pip install 'countersign[{provider}]'") from error
    except ValueError as error:
        raise UnknownModelError(f"model {name!r}: {error}") from error
    return found
