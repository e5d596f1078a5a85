"""Runs Anthropic's own client library against a base URL, unchanged, and checks what comes back.

    python anthropic_batch.py http://127.0.0.1:8787/anthropic

Makes a message batch, follows it, reads its results, cancels and deletes another, walks the list, and marks one piece
of work in real time by an output format and by a forced tool. Ends with status 0 if all is as expected.
"""

import json
import sys
import time

import anthropic
from anthropic import Anthropic

MODEL = "claude-haiku-5-5"
LEVELS = ["l1", "l2", "l3", "l4"]
SCHEMA = {
    "type": "object",
    "properties": {
        "level": {"type": "string", "enum": LEVELS},
        "evidence": {"type": "array", "items": {"type": "integer"}},
        "comment": {"type": "string"},
    },
    "required": ["level", "evidence", "comment"],
    "additionalProperties": False,
}
WORK = "[1] Computers help us to learn. [2] However, they take time. [3] We should use them with care."


def params(n):
    return {
        "model": MODEL,
        "max_tokens": 2_000,
        "system": "Mark the work by the rubric.",
        "messages": [{"role": "user", "content": f"Work {n}:\n{WORK}"}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    }


def requests(count):
    return [{"custom_id": f"r{n}", "params": params(n)} for n in range(count)]


def check_marks(marks):
    assert marks["level"] in LEVELS, marks
    assert marks["evidence"] and all(1 <= n <= 3 for n in marks["evidence"]), marks
    assert marks["comment"].startswith("Simulated: "), marks
    return marks


def follow(client, batch):
    for _ in range(600):
        batch = client.messages.batches.retrieve(batch.id)
        counts = batch.request_counts
        if batch.processing_status == "ended":
            return batch
        assert (counts.succeeded, counts.errored, counts.canceled, counts.expired) == (0, 0, 0, 0), batch
        time.sleep(0.05)
    raise AssertionError(f"the batch did not end: {batch}")


def run_batch(client):
    asked = requests(20)
    asked.append({"custom_id": "bad", "params": {**params(0), "model": "no-such-model"}})
    batch = client.messages.batches.create(requests=asked)
    assert batch.processing_status == "in_progress" and batch.results_url is None, batch
    assert batch.request_counts.processing == 21, batch
    assert (batch.expires_at - batch.created_at).total_seconds() == 86_400, batch
    batch = follow(client, batch)
    assert (batch.request_counts.succeeded, batch.request_counts.errored) == (20, 1), batch
    results = {result.custom_id: result.result for result in client.messages.batches.results(batch.id)}
    assert sorted(results) == sorted([f"r{n}" for n in range(20)] + ["bad"])
    for name, result in results.items():
        if name == "bad":
            assert result.type == "errored" and result.error.error.type == "not_found_error", result
        else:
            assert result.type == "succeeded" and result.message.stop_reason == "end_turn", result
            assert result.message.usage.service_tier == "batch", result
            check_marks(json.loads(result.message.content[0].text))
    return batch


def cancel_batch(client):
    batch = client.messages.batches.create(requests=requests(3))
    try:
        batch = client.messages.batches.cancel(batch.id)
        assert batch.processing_status in ("canceling", "ended"), batch
    except anthropic.BadRequestError:
        # It was quicker than the call.
        pass
    batch = follow(client, batch)
    counts = batch.request_counts
    assert counts.succeeded + counts.canceled == 3, batch
    assert len(list(client.messages.batches.results(batch.id))) == 3
    return batch


def refuse_batches(client):
    twice = [requests(1)[0], requests(1)[0]]
    for wrong in [[], twice, [{"custom_id": "a b", "params": params(0)}]]:
        try:
            client.messages.batches.create(requests=wrong)
            raise AssertionError(f"accepted: {wrong}")
        except anthropic.BadRequestError as error:
            assert error.body["error"]["type"] == "invalid_request_error", error.body
            assert error.request_id and error.body["request_id"] == error.request_id, error.body


def walk_list(client, made):
    # A page of one, so that the library has to turn the pages.
    listed = [batch.id for batch, _ in zip(client.messages.batches.list(limit=1), range(2))]
    assert listed == [made[1].id, made[0].id], listed
    assert client.messages.batches.delete(made[1].id).type == "message_batch_deleted"
    try:
        client.messages.batches.retrieve(made[1].id)
        raise AssertionError("a deleted batch is still there")
    except anthropic.NotFoundError:
        pass
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).display_name == "Claude Haiku 5.5"


def realtime(client):
    raw = client.messages.with_raw_response.create(**params(0))
    assert raw.headers["request-id"] and raw.headers["anthropic-ratelimit-requests-remaining"]
    message = raw.parse()
    assert message.stop_reason == "end_turn", message
    marks = check_marks(json.loads(message.content[0].text))

    asked = params(0)
    del asked["output_config"]
    message = client.messages.create(
        **asked,
        tools=[{"name": "mark", "description": "Give marks", "input_schema": SCHEMA}],
        tool_choice={"type": "tool", "name": "mark"},
    )
    assert message.stop_reason == "tool_use" and message.content[0].name == "mark", message
    assert check_marks(message.content[0].input) == marks, "the same work gets the same marks"

    # A marked prefix is written once and then read.
    rubric = "Each level of the rubric is described in detail here. " * 600
    cached = {**params(0), "system": [{"type": "text", "text": rubric, "cache_control": {"type": "ephemeral"}}]}
    first = client.messages.create(**cached).usage
    again = client.messages.create(**cached).usage
    assert first.cache_creation_input_tokens >= 4_096 and first.cache_read_input_tokens == 0, first
    assert again.cache_creation_input_tokens == 0, again
    assert again.cache_read_input_tokens == first.cache_creation_input_tokens, again
    assert first.cache_creation.ephemeral_5m_input_tokens == first.cache_creation_input_tokens, first
    counted = client.messages.count_tokens(
        model=MODEL, messages=cached["messages"], system=cached["system"], output_config=cached["output_config"]
    )
    assert counted.input_tokens == first.input_tokens + first.cache_creation_input_tokens, counted

    try:
        client.messages.create(**{**params(0), "model": "no-such-model"})
        raise AssertionError("an unknown model was accepted")
    except anthropic.NotFoundError as error:
        assert error.body["error"]["type"] == "not_found_error", error.body


def main():
    client = Anthropic(base_url=sys.argv[1], api_key="simulated")
    batch = run_batch(client)
    cancelled = cancel_batch(client)
    refuse_batches(client)
    walk_list(client, [batch, cancelled])
    realtime(client)
    print(f"anthropic {anthropic.__version__}: all as expected")


if __name__ == "__main__":
    main()
