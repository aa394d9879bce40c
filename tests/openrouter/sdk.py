"""Drives the fake OpenRouter with the official SDK, which refuses a shape or status that its OpenAPI does not have.

    sdk.py URL MANAGEMENT_KEY                says each step that went well; ends with 1 at the first that did not
    sdk.py (URL MANAGEMENT_KEY STEP)...      runs one step at each fake, and says what it ended with

Its test has the fake stand at 2026-11-21, 1.5 USD having been spent the day before; answer 429 to GET /keys/too-many,
500 to GET /keys/broken and 409 to PATCH /keys/busy.
"""
import datetime
import sys

from openrouter import OpenRouter, errors
from openrouter.utils import BackoffStrategy, RetryConfig

NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), False)
EXPIRY = datetime.datetime(2099, 12, 31, 23, 59, 59, tzinfo=datetime.timezone.utc)


class Visit:
    """What the steps share."""

    def __init__(self, url, management_key):
        self.url = url
        self.admin = self.client(management_key)
        self.made = self.admin.api_keys.create(
            name="ci", limit=10.5, limit_reset="daily", include_byok_in_limit=True, expires_at=EXPIRY
        )
        self.hash = self.made.data.hash
        self.user = self.client(self.made.key)

    def client(self, key):
        return OpenRouter(api_key=key, server_url=self.url, retry_config=NO_RETRIES, timeout_ms=30_000)


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r}, wanted {wanted!r}")


def fails(error, status, call):
    """The call fails with exactly this class: one that the SDK makes of a well-formed error body only."""
    try:
        answer = call()
    except errors.OpenRouterError as failure:
        same((type(failure), failure.status_code), (error, status))
        same(failure.data.error.code, status)
        return failure.data.error
    raise AssertionError(f"no failure but {answer!r}")


def created(visit):
    data = visit.made.data
    same(visit.made.key[:9], "sk-or-v1-")
    same((data.name, data.limit, data.limit_remaining, data.limit_reset), ("ci", 10.5, 10.5, "daily"))
    same((data.include_byok_in_limit, data.disabled, data.usage), (True, False, 0))
    same((data.expires_at, data.last_used_at, data.updated_at), (EXPIRY, None, None))
    datetime.datetime.fromisoformat(data.created_at)


def got(visit):
    same(visit.admin.api_keys.get(hash=visit.hash).data.model_dump(), visit.made.data.model_dump())


def listed(visit):
    list_keys = visit.admin.api_keys.list
    same([key.hash for key in list_keys().data], [visit.hash])
    others = [visit.admin.api_keys.create(name=f"k{n}").data.hash for n in range(105)]
    first, second = list_keys().data, list_keys(offset=100).data
    same([key.hash for key in first + second], [*reversed(others), visit.hash])
    same((len(first), list_keys(offset=200).data), (100, []))
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    visit.admin.api_keys.update(hash=others[0], disabled=True)
    gone = visit.admin.api_keys.create(name="expired", expires_at=past).data.hash
    for disabled in (None, False, True):
        for expired in (None, False, True):
            rows, offset = [], 0
            while page := list_keys(offset=offset, include_disabled=disabled, include_expired=expired).data:
                rows, offset = rows + [key.hash for key in page], offset + 100
            same((others[0] in rows, gone in rows), (disabled is True, expired is True))
    for other in [*others, gone]:
        same(visit.admin.api_keys.delete(hash=other).DELETED, True)


def updated(visit):
    update = visit.admin.api_keys.update
    data = update(hash=visit.hash, name="ci2", limit=20, limit_reset="weekly").data
    same((data.name, data.limit, data.limit_reset, data.expires_at), ("ci2", 20, "weekly", EXPIRY))
    data = update(hash=visit.hash, limit=None, limit_reset=None, include_byok_in_limit=False).data
    same((data.name, data.limit, data.limit_remaining, data.limit_reset), ("ci2", None, None, None))
    same(data.include_byok_in_limit, False)
    datetime.datetime.fromisoformat(data.updated_at)
    data = update(hash=visit.hash, limit=0.5, limit_reset="monthly").data
    same((data.limit, data.limit_reset), (0.5, "monthly"))


def told(visit):
    data = visit.user.api_keys.get_current_key_metadata().data
    same((data.label, data.is_management_key, data.expires_at), (visit.made.data.label, False, EXPIRY))
    same([budget.scope for budget in data.budgets], ["key_limit"])
    data = visit.admin.api_keys.get_current_key_metadata().data
    same((data.is_management_key, data.budgets), (True, []))


def disabled_and_enabled(visit):
    update, ask = visit.admin.api_keys.update, visit.user.api_keys.get_current_key_metadata
    same(update(hash=visit.hash, disabled=True).data.disabled, True)
    same(fails(errors.UnauthorizedResponseError, 401, ask).message, "User not found.")
    same(update(hash=visit.hash, disabled=False).data.disabled, False)
    ask()


def spent(visit):
    message = {"role": "user", "content": "hello"}
    answer = visit.user.chat.send(model="openai/gpt-4.1-mini", messages=[message])
    same((answer.choices[0].message.content, answer.usage.cost), ("ok", 0.01))
    data = visit.admin.api_keys.get(hash=visit.hash).data
    same((data.usage, data.usage_daily, data.limit_remaining), (0.01, 0.01, data.limit - 0.01))
    same(data.last_used_at.tzinfo is not None, True)
    same(visit.admin.credits.get_credits().data.model_dump(), {"total_credits": 1000, "total_usage": 1.51})


def active(visit):
    rows = visit.admin.analytics.get_user_activity().data
    same([(row.date_, row.usage, row.requests) for row in rows][:1], [("2026-11-20", 1.5, 1)])
    for wanted in ({"date_": "2026-11-20"}, {"group_by": "workspace"}, {"api_key_hash": visit.hash}):
        rows = visit.admin.analytics.get_user_activity(request=wanted).data
        same(len(rows), 0 if "api_key_hash" in wanted else 1)
        same([row.workspace_id is not None for row in rows], ["group_by" in wanted] * len(rows))
    today = {"date_": "2026-11-21"}
    fails(errors.BadRequestResponseError, 400, lambda: visit.admin.analytics.get_user_activity(request=today))


def guarded(visit):
    guardrails = visit.admin.guardrails
    half = lambda: guardrails.create(name="half", limit_usd=1)
    fails(errors.BadRequestResponseError, 400, half)
    made = guardrails.create(name="monthly", limit_usd=100, reset_interval="monthly", description="a test").data
    same((made.limit_usd, made.reset_interval, made.include_byok_in_budgets), (100, "monthly", False))
    same(guardrails.get(id=made.id).data.model_dump(), made.model_dump())
    changed = guardrails.update(id=made.id, limit_usd=50).data
    same((changed.limit_usd, changed.reset_interval, changed.description), (50, "monthly", "a test"))
    page = guardrails.list().result
    same((page.total_count, [one.id for one in page.data]), (1, [made.id]))

    same(guardrails.bulk_assign_keys(id=made.id, key_hashes=[visit.hash]).assigned_count, 1)
    for page in (guardrails.list_key_assignments(), guardrails.list_guardrail_key_assignments(id=made.id)):
        [row], total = page.result.data, page.result.total_count
        same((row.key_hash, row.guardrail_id, row.key_label, total), (visit.hash, made.id, visit.made.data.label, 1))
    data = visit.user.api_keys.get_current_key_metadata().data
    same([(one.scope, one.guardrail_id) for one in data.budgets], [("api_key", made.id), ("key_limit", None)])
    same(data.effective_budget.resets_at.tzinfo is not None, True)
    same(guardrails.bulk_unassign_keys(id=made.id, key_hashes=[visit.hash]).unassigned_count, 1)
    same(guardrails.list_key_assignments().result.data, [])
    same(guardrails.delete(id=made.id).DELETED, True)
    same(fails(errors.NotFoundResponseError, 404, lambda: guardrails.get(id=made.id)).message, "Resource not found")


def housed(visit):
    page = visit.admin.workspaces.list().result
    same((page.total_count, page.data[0].id), (1, visit.made.data.workspace_id))


def refused(visit):
    keys, stranger = visit.admin.api_keys, visit.client("sk-or-v1-nobody").api_keys
    empty = lambda: keys.update(hash=visit.hash)
    same(fails(errors.BadRequestResponseError, 400, empty).message, "No update fields provided")
    fails(errors.BadRequestResponseError, 400, lambda: keys.create(name=""))
    same(fails(errors.UnauthorizedResponseError, 401, stranger.list).message, "User not found.")
    forbidden = fails(errors.ForbiddenResponseError, 403, lambda: visit.user.api_keys.create(name="no"))
    same(forbidden.message, "Only management keys can perform this operation")
    fails(errors.NotFoundResponseError, 404, lambda: keys.get(hash="nobody"))
    fails(errors.ConflictResponseError, 409, lambda: keys.update(hash="busy", disabled=True))
    fails(errors.TooManyRequestsResponseError, 429, lambda: keys.get(hash="too-many"))
    fails(errors.InternalServerResponseError, 500, lambda: keys.get(hash="broken"))


def deleted(visit):
    keys = visit.admin.api_keys
    same(keys.delete(hash=visit.hash).DELETED, True)
    for call in (keys.get, keys.delete):
        same(fails(errors.NotFoundResponseError, 404, lambda: call(hash=visit.hash)).message, "Resource not found")
    fails(errors.UnauthorizedResponseError, 401, visit.user.api_keys.get_current_key_metadata)
    same(keys.list(include_disabled=True, include_expired=True).data, [])


STEPS = [created, got, listed, updated, told, disabled_and_enabled, spent, active, guarded, housed, refused, deleted]


def verdict(url, key, name):
    """The class of the error that a step ends with, or "fine"."""
    try:
        visit = Visit(url, key)
        next(step for step in STEPS if step.__name__ == name)(visit)
    except (errors.OpenRouterError, AssertionError) as error:
        return type(error).__name__
    return "fine"


def main():
    url, key, *more = sys.argv[1:]
    if more:
        words = iter(sys.argv[1:])
        for url, key, name in zip(words, words, words):
            print(verdict(url, key, name), flush=True)
        return
    visit = Visit(url, key)
    for step in STEPS:
        step(visit)
        print(step.__name__, flush=True)


if __name__ == "__main__":
    main()
