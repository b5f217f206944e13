"""Answers one sub-question with tools that only read, within its own budget, and says what it could not find out."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from agents._gateway import ModelError, PausedError
from graphs._calls import CallDesk
from graphs._voice import Voice
from graphs.context import RunContext
from graphs.messages import text_of
from graphs.research._agent import Budget
from graphs.research._calling import Bench, envelopes_of
from graphs.research._plan import Question, follow


@dataclass(frozen=True)
class Worker:
    """`voice` and `desk` have the researcher among their agents, and the limits of one sub-question."""

    voice: Voice
    desk: CallDesk
    budget: Budget

    async def answer(self, question: Question, context: RunContext) -> tuple[Bench, dict[str, Any]]:
        """What was found, also if it is not all, and how it went. Raises: PausedError."""
        bench = Bench(context.run_id, question.words, question.id)
        began = time.monotonic()
        trouble: list[str] = []
        text = ""
        try:
            async with asyncio.timeout(self.budget.seconds):
                if question.calls:
                    trouble += await self._look_up(question, bench, context)
                else:
                    text, trouble = await self._let_answer(bench, context)
        except TimeoutError:
            trouble.append(f"it took longer than {self.budget.seconds:g} seconds")
        except PausedError:
            raise
        except ModelError as error:
            trouble.append(str(error))
        found = [one for one in envelopes_of(bench.state["messages"]).values() if one["ok"]]
        trouble += _refused(bench)
        return bench, {
            "id": question.id,
            "question": question.words,
            "status": "done" if not trouble else "partly" if found or text else "failed",
            "because": list(dict.fromkeys(trouble)),
            "calls": bench.turn["tool_calls"],
            "seconds": round(time.monotonic() - began, 3),
            "text": text,
            "turn": bench.turn,
        }

    async def _look_up(self, question: Question, bench: Bench, context: RunContext) -> list[str]:
        """Make the calls of the plan, and then look at what belongs to the records that were found."""
        found = await bench.call(self.desk, context, question.calls[: self.budget.calls])
        left = self.budget.calls - bench.turn["tool_calls"]
        further = list(islice(follow(found, context.principal.access, self.budget), left + 1))
        if further[:left]:
            await bench.call(self.desk, context, further[:left])
        return ["there is more to look at than one sub-question may"] if len(further) > left else []

    async def _let_answer(self, bench: Bench, context: RunContext) -> tuple[str, list[str]]:
        """Let a model ask and answer. Raises: ModelError."""
        while True:
            update = await self.voice.answer(bench.state, context, lambda part: None)
            bench.take(update)
            if bench.turn.get("stopped"):
                return "", ["it used up the steps that one sub-question may take"]
            if not bench.state["calls"]:
                return text_of(bench.state["messages"][-1]), []
            await bench.run(self.desk, context, bench.state["calls"])


def _refused(bench: Bench) -> Sequence[str]:
    """Why calls brought nothing, for people."""
    errors = [one["error"] for one in envelopes_of(bench.state["messages"]).values() if not one["ok"]]
    return [str(error["message"]) for error in errors if isinstance(error, Mapping)]
