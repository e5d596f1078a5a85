"""Runs OpenAI's own client library against a base URL, unchanged, and checks what comes back.

    python openai_batch.py http://127.0.0.1:8787/openai/v1

Uploads a file, makes a batch, follows it, reads its results, cancels another, walks the lists, and marks one piece of
work in real time by chat completions and by responses. Ends with status 0 if all is as expected.
"""

import io
import json
import sys
import time

import openai
from openai import OpenAI

MODEL = "gpt-6-luna"
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


def messages(n):
    return [
        {"role": "system", "content": "Mark the work by the rubric."},
        {"role": "user", "content": f"Work {n}:\n{WORK}"},
    ]


def line(n):
    body = {
        "model": MODEL,
        "messages": messages(n),
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "marks", "strict": True, "schema": SCHEMA},
        },
    }
    return {"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def check_marks(text):
    marks = json.loads(text)
    assert marks["level"] in LEVELS, marks
    assert marks["evidence"] and all(1 <= n <= 3 for n in marks["evidence"]), marks
    assert marks["comment"].startswith("Simulated: "), marks
    return marks


def upload(client, count):
    content = "".join(json.dumps(line(n)) + "\n" for n in range(count)).encode()
    file = client.files.create(file=("requests.jsonl", io.BytesIO(content)), purpose="batch")
    assert file.status == "processed" and file.bytes == len(content), file
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == content
    return file


def follow(client, batch):
    for _ in range(600):
        batch = client.batches.retrieve(batch.id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"the batch did not end: {batch}")


def run_batch(client):
    file = upload(client, 20)
    batch = client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"purpose": "sdk test"},
    )
    assert batch.status == "validating" and batch.metadata == {"purpose": "sdk test"}, batch
    batch = follow(client, batch)
    assert batch.status == "completed", batch
    assert (batch.request_counts.total, batch.request_counts.completed) == (20, 20), batch
    assert batch.error_file_id is None and batch.errors is None, batch
    results = [json.loads(text) for text in client.files.content(batch.output_file_id).text.splitlines()]
    assert sorted(r["custom_id"] for r in results) == sorted(f"r{n}" for n in range(20))
    for result in results:
        assert result["response"]["status_code"] == 200 and result["error"] is None, result
        check_marks(result["response"]["body"]["choices"][0]["message"]["content"])
    used = sum(result["response"]["body"]["usage"]["prompt_tokens"] for result in results)
    assert batch.usage.input_tokens == used, batch
    return batch


def cancel_batch(client):
    file = upload(client, 3)
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    try:
        batch = client.batches.cancel(batch.id)
        assert batch.status in ("cancelling", "cancelled"), batch
    except openai.ConflictError:
        # It was quicker than the call.
        pass
    batch = follow(client, batch)
    assert batch.status in ("cancelled", "completed"), batch
    assert client.files.delete(file.id).deleted
    try:
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        raise AssertionError("a batch was made of a deleted file")
    except openai.BadRequestError as error:
        assert error.param == "input_file_id", error
    return batch


def fail_batch(client):
    file = client.files.create(file=("requests.jsonl", io.BytesIO(b"not json\n")), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    batch = follow(client, batch)
    assert batch.status == "failed", batch
    error = batch.errors.data[0]
    assert (error.code, error.line) == ("invalid_json_line", 1), error


def walk_lists(client, made):
    # A page of one, so that the library has to turn the pages.
    listed = [batch.id for batch, _ in zip(client.batches.list(limit=1), range(3))]
    assert len(listed) == 3 and made[-1].id in listed, listed
    assert any(file.id == made[0].output_file_id for file in client.files.list(purpose="batch_output"))
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).owned_by == "openai"


def realtime(client):
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL,
        messages=messages(0),
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "marks", "strict": True, "schema": SCHEMA},
        },
        max_completion_tokens=2_000,
    )
    assert raw.headers["x-request-id"] and raw.headers["x-ratelimit-remaining-requests"]
    completion = raw.parse()
    choice = completion.choices[0]
    assert choice.finish_reason == "stop" and choice.message.refusal is None, choice
    marks = check_marks(choice.message.content)
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens
    assert completion.usage.prompt_tokens_details.cached_tokens == 0

    response = client.responses.create(
        model=MODEL,
        instructions=messages(0)[0]["content"],
        input=messages(0)[1]["content"],
        text={"format": {"type": "json_schema", "name": "marks", "strict": True, "schema": SCHEMA}},
    )
    assert response.status == "completed", response
    assert check_marks(response.output_text) == marks, "the same work gets the same marks"
    assert response.usage.output_tokens > 0

    try:
        client.chat.completions.create(model="no-such-model", messages=messages(0))
        raise AssertionError("an unknown model was accepted")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found", error


def main():
    client = OpenAI(base_url=sys.argv[1], api_key="simulated")
    batch = run_batch(client)
    cancelled = cancel_batch(client)
    fail_batch(client)
    walk_lists(client, [batch, cancelled])
    realtime(client)
    print(f"openai {openai.__version__}: all as expected")


if __name__ == "__main__":
    main()
