"""Articles that answer questions."""

from tools._declare import Arguments, Integrity, Result, ToolContext, argument, output, tool
from trust import telemetry
from trust.actions import Effect
from trust.scopes import KNOWLEDGE_READ


class SearchKnowledge(Arguments):
    query: str = argument("The question, or words to look for.", min_length=1, max_length=1000)
    limit: int = argument("How many to return.", default=5, ge=1, le=20)


class Article(Result):
    id: str = output("Record id.")
    number: str | None = output("Article number, to cite it by.")
    title: str | None = output("Title.", integrity=Integrity.BY_FIELD)
    excerpt: str = output("The passage that fits best.", integrity=Integrity.BY_FIELD)
    score: float = output("Fit, falling from 1.")


class Articles(Result):
    articles: list[Article] = output("Best first.", integrity=Integrity.BY_FIELD)
    total: int = output("How many are returned.")


@tool(effect=Effect.READ, scope=KNOWLEDGE_READ, for_customers=True)
async def search_knowledge(ctx: ToolContext, args: SearchKnowledge) -> Articles:
    """Search published knowledge articles: how to do something, what the rules, policies and guidelines are, what is
    allowed, which terms and limits hold (warranty, returns, discounts, approval). Cite the article's number."""
    with telemetry.step("retrieval", {telemetry.OPERATION: "retrieval", telemetry.SOURCE: "Knowledge__kav"}):
        found = await ctx.crm.search("Knowledge__kav", args.query, args.limit * 2)
    online = [match for match in found if match.record.get("PublishStatus") == "Online"][: args.limit]
    articles = [
        Article(
            id=match.record["Id"],
            number=match.record.get("ArticleNumber"),
            title=match.record.get("Title"),
            excerpt=match.excerpt,
            score=round(match.score, 3),
        )
        for match in online
    ]
    return Articles(articles=articles, total=len(articles))
