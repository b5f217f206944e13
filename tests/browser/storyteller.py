"""A model that takes its time over stories, repeats what it is told to, and is the service's own otherwise."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

from agents._offline import OfflineModel
from api.app import build_app
from api.settings import Settings

WORDS = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa".split()
SAY = "say about the cases: "


def sentences(count: int) -> list[str]:
    return [f"This sentence is about {WORDS[at % len(WORDS)]}. " for at in range(count)]


class Storyteller(OfflineModel):
    """`a story about the cases` has ten sentences, `a saga about the cases` never ends by itself."""

    pause_s: float = 0.12

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        asked = next((str(one.text) for one in reversed(messages) if one.type == "human"), "")
        if asked.startswith(SAY):
            yield ChatGenerationChunk(message=AIMessageChunk(content=asked.removeprefix(SAY)))
        elif "story" in asked or "saga" in asked:
            for sentence in sentences(10 if "story" in asked else 2_000):
                await asyncio.sleep(self.pause_s)
                yield ChatGenerationChunk(message=AIMessageChunk(content=sentence))
        else:
            async for piece in super()._astream(messages, stop, None, **kwargs):
                yield piece


def run_service(settings: Settings, port: int) -> None:
    """The service with this model, for a process of its own."""
    model = Storyteller()
    uvicorn.run(build_app(settings, model_for=lambda tenant: model), port=port, log_level="warning", ws="none")
