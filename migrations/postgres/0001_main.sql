-- People and what they may do ---------------------------------------------------------------------------------------

CREATE TABLE people (
    id            UUID PRIMARY KEY NOT NULL,
    email         TEXT NOT NULL UNIQUE, -- lower case
    name          TEXT NOT NULL,
    is_admin      BOOLEAN NOT NULL,
    tier          TEXT NOT NULL CHECK (tier IN ('standard', 'supported', 'premium')),
    password_hash TEXT,                 -- PHC string; none: cannot sign in by password
    time_zone     TEXT NOT NULL,        -- IANA name
    created_at    TIMESTAMPTZ NOT NULL,
    disabled_at   TIMESTAMPTZ
);

CREATE TABLE sessions (
    id         TEXT PRIMARY KEY NOT NULL, -- SHA-256 of the cookie's value, hex
    data       TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
    id         UUID PRIMARY KEY NOT NULL,
    person_id  UUID NOT NULL REFERENCES people (id),
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL UNIQUE,      -- SHA-256 of the token, hex
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);

-- Courses -----------------------------------------------------------------------------------------------------------

CREATE TABLE courses (
    id                 UUID PRIMARY KEY NOT NULL,
    code               TEXT NOT NULL UNIQUE,
    title              TEXT NOT NULL,
    cost_centre        TEXT NOT NULL,
    immediate_feedback BOOLEAN NOT NULL,
    created_at         TIMESTAMPTZ NOT NULL
);

CREATE TABLE enrolments (
    course_id UUID NOT NULL REFERENCES courses (id),
    person_id UUID NOT NULL REFERENCES people (id),
    role      TEXT NOT NULL CHECK (role IN ('student', 'instructor')),
    PRIMARY KEY (course_id, person_id)
);
CREATE INDEX enrolments_person ON enrolments (person_id);

CREATE TABLE rubrics (
    id         UUID PRIMARY KEY NOT NULL,
    course_id  UUID NOT NULL REFERENCES courses (id),
    key        TEXT NOT NULL,             -- the course's own short name for it
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (course_id, key)
);

CREATE TABLE rubric_versions (
    id         UUID PRIMARY KEY NOT NULL,
    rubric_id  UUID NOT NULL REFERENCES rubrics (id),
    version    BIGINT NOT NULL,
    body       JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (rubric_id, version)
);

CREATE TABLE assignments (
    id                UUID PRIMARY KEY NOT NULL,
    course_id         UUID NOT NULL REFERENCES courses (id),
    key               TEXT NOT NULL,      -- the course's own short name for it
    title             TEXT NOT NULL,
    kind              TEXT NOT NULL,
    brief             TEXT NOT NULL,
    language          TEXT NOT NULL,      -- BCP 47, such as en
    rubric_version_id UUID NOT NULL REFERENCES rubric_versions (id),
    opens_at          TIMESTAMPTZ,
    closes_at         TIMESTAMPTZ,
    marks_by          TIMESTAMPTZ,        -- when marks are needed; none: no hurry
    max_drafts        BIGINT NOT NULL,
    min_words         BIGINT,
    max_words         BIGINT,
    citations         BOOLEAN NOT NULL,   -- references to sources are asked for
    release           TEXT NOT NULL CHECK (release IN ('at_once', 'on_approval')),
    resources         JSONB NOT NULL,     -- list of {title, url}
    near_draft_percent BIGINT CHECK (near_draft_percent BETWEEN 0 AND 10), -- so much may have changed where a draft keeps its marks
    prompt_version    BIGINT NOT NULL, -- of the prompt that its work is marked by, from its first to its last
    created_at        TIMESTAMPTZ NOT NULL,
    UNIQUE (course_id, key)
);

-- Submissions and their jobs ----------------------------------------------------------------------------------------

CREATE TABLE submissions (
    id            UUID PRIMARY KEY NOT NULL,
    tracking_id   TEXT NOT NULL UNIQUE,
    assignment_id UUID NOT NULL REFERENCES assignments (id),
    student_id    UUID NOT NULL REFERENCES people (id),
    handed_in_by  UUID NOT NULL REFERENCES people (id),
    draft         BIGINT NOT NULL,        -- from 1, for each student and assignment
    previous_id   UUID,                   -- the student's draft before this one
    state         TEXT NOT NULL CHECK (state IN ('queued', 'processing', 'in_review', 'completed', 'needs_attention', 'withdrawn', 'closed')),
    submitted_at  TIMESTAMPTZ NOT NULL,
    idempotency   TEXT,                   -- the key under which it was handed in
    words         BIGINT NOT NULL,
    file_name     TEXT,
    text_digest   TEXT NOT NULL,          -- SHA-256 of what was handed in, and by whom, hex
    viewed_at     TIMESTAMPTZ,            -- when the student first saw the result
    UNIQUE (assignment_id, student_id, draft),
    UNIQUE (handed_in_by, idempotency)
);
CREATE INDEX submissions_student ON submissions (student_id, submitted_at);
CREATE INDEX submissions_assignment ON submissions (assignment_id, submitted_at, id);

-- What is written once, apart from the rows whose state changes: each change writes its row anew.
CREATE TABLE works (
    submission_id UUID PRIMARY KEY NOT NULL REFERENCES submissions (id),
    digest        BYTEA NOT NULL,   -- SHA-256 of the text
    text          TEXT NOT NULL,
    quick         JSONB NOT NULL,        -- feedback that was given at once
    interim       JSONB                  -- feedback that followed
);
CREATE INDEX works_unread ON works (submission_id) WHERE interim IS NULL;

-- Not `jobs`: the task queues have a table of that name on SQLite.
CREATE TABLE model_jobs (
    id            UUID PRIMARY KEY NOT NULL,
    submission_id UUID NOT NULL REFERENCES submissions (id),
    state         TEXT NOT NULL CHECK (state IN ('queued', 'batched', 'calling', 'done', 'dead', 'withdrawn')),
    lane          TEXT NOT NULL CHECK (lane IN ('urgent', 'standard', 'economy')),
    route         TEXT NOT NULL CHECK (route IN ('realtime', 'batch')),
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    priority      BIGINT NOT NULL,        -- smaller goes first
    deadline      TIMESTAMPTZ NOT NULL,   -- when marks are needed; far away where there is no hurry
    arrived_at    TIMESTAMPTZ NOT NULL,
    joined        BIGINT NOT NULL,        -- its place in the lane when it came
    ready_at      TIMESTAMPTZ NOT NULL,   -- when it may be sent: end of gathering, or of a back-off
    input_tokens  BIGINT NOT NULL,        -- estimated
    output_tokens BIGINT NOT NULL,        -- estimated
    max_output    BIGINT NOT NULL,        -- most tokens of the answer
    bytes         BIGINT NOT NULL,        -- of the request, estimated
    work_bytes    BIGINT NOT NULL,        -- by which the request is larger than one for an empty work
    attempt       BIGINT NOT NULL,        -- answers that could not be used so far
    failures      BIGINT NOT NULL,        -- calls or batches that failed so far
    kills         BIGINT NOT NULL,        -- times that a process ended while at work on it
    diverted      BIGINT NOT NULL,        -- ways of the fallback chain that were tried
    batch_id      UUID,
    reserved_nano BIGINT NOT NULL,        -- what is held for it in the ledger
    expected_nano BIGINT NOT NULL,
    course_id     UUID NOT NULL,
    cost_centre   TEXT NOT NULL,
    steps         JSONB,         -- what cost control changed of its way
    hold          BOOLEAN NOT NULL,        -- a rule asks that a person approves its marks
    started_at    TIMESTAMPTZ,
    finished_at   TIMESTAMPTZ,
    failure       TEXT,                   -- what went wrong last, for staff
    edit_id       UUID,                   -- the edit that holds for its request; none: the work as handed in
    likely_at     TIMESTAMPTZ, -- the first estimate: half of such work is back by then
    promised_at   TIMESTAMPTZ, -- and nine of ten by then
    reckoned_p50  BIGINT,      -- seconds, before the correction by how estimates were kept
    reckoned_p90  BIGINT,
    same_as       UUID,                   -- a job with the same request, whose answer this one waits for or was given
    UNIQUE (submission_id)
);
CREATE INDEX model_jobs_waiting ON model_jobs (provider, model, ready_at) WHERE state = 'queued' AND route = 'batch';
-- All that places in the queue are made from.
CREATE INDEX model_jobs_lane ON model_jobs (lane, route, provider, priority, deadline, arrived_at, id) WHERE state = 'queued';
CREATE INDEX model_jobs_calls ON model_jobs (ready_at) WHERE state IN ('queued', 'calling') AND route = 'realtime';
CREATE INDEX model_jobs_batch ON model_jobs (batch_id) WHERE state = 'batched';
CREATE INDEX model_jobs_dead ON model_jobs (finished_at) WHERE state = 'dead';
CREATE INDEX model_jobs_finished ON model_jobs (finished_at) WHERE state = 'done';
-- Those that wait for the answer to the same request.
CREATE INDEX model_jobs_same ON model_jobs (same_as) WHERE state = 'queued' AND same_as IS NOT NULL;

-- The decision that holds for each job: the route, why, and the facts that were seen.
CREATE TABLE decisions (
    job_id   UUID PRIMARY KEY NOT NULL REFERENCES model_jobs (id),
    decision JSONB NOT NULL
);

-- Decisions that another one took the place of, for jobs that were decided again before they were sent.
CREATE TABLE past_decisions (
    job_id   UUID NOT NULL REFERENCES model_jobs (id),
    ended_at TIMESTAMPTZ NOT NULL,
    why      TEXT NOT NULL,
    decision JSONB NOT NULL,
    PRIMARY KEY (job_id, ended_at)
);

-- Batches and calls -------------------------------------------------------------------------------------------------

CREATE TABLE batches (
    id           UUID PRIMARY KEY NOT NULL,
    token        TEXT NOT NULL UNIQUE,    -- by which it is found at the provider
    provider     TEXT NOT NULL,
    model        TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('written', 'sending', 'sent', 'ended', 'done', 'failed')),
    jobs         BIGINT NOT NULL,
    bytes        BIGINT NOT NULL,
    tokens       BIGINT NOT NULL,         -- estimated input tokens
    reason       TEXT NOT NULL,           -- why it was cut
    created_at   TIMESTAMPTZ NOT NULL,
    owner        TEXT,                    -- the process at work on it
    lease_until  TIMESTAMPTZ,
    send_from    TIMESTAMPTZ,             -- the creation call cannot have been made before
    sends        BIGINT NOT NULL,         -- creation calls made
    input_id     TEXT,                    -- the uploaded input at the provider
    remote_id    TEXT,                    -- the batch at the provider
    remote_state TEXT,
    completed    BIGINT NOT NULL,         -- as the provider reports while it runs
    failed       BIGINT NOT NULL,
    sent_at      TIMESTAMPTZ,
    ended_at     TIMESTAMPTZ,             -- when the provider was seen to have ended
    finished_at  TIMESTAMPTZ,             -- when all results were taken in
    polls        BIGINT NOT NULL,
    failures     BIGINT NOT NULL,
    look_at      TIMESTAMPTZ NOT NULL,    -- when it is to be looked at next
    error        TEXT,
    strategy     TEXT NOT NULL,           -- how its jobs were put together
    prefix_cache TEXT NOT NULL CHECK (prefix_cache IN ('off', 'short', 'long')), -- how its prompts are marked for the provider's cache
    measures     BIGINT NOT NULL,         -- of cost control, under which it was put together: 1 caching, 2 larger batches
    composition  JSONB,                   -- why, with the ratings of all candidates; none for parts of a split batch
    parent       UUID REFERENCES batches (id), -- the batch that it was split from
    split        BIGINT,                  -- its number among that batch's parts, from 1
    parts        BIGINT,                  -- the parts that it was split into itself
    named_limit  BIGINT,                  -- the limit of tokens that the provider named when it refused it
    missing      BIGINT,                 -- requests without a readable result when all results were last fetched
    UNIQUE (provider, remote_id)
);
CREATE INDEX batches_open ON batches (provider, model, look_at) WHERE state IN ('written', 'sending', 'sent', 'ended');
CREATE INDEX batches_created ON batches (created_at);
CREATE UNIQUE INDEX batches_parts ON batches (parent, split) WHERE parent IS NOT NULL;
CREATE INDEX batches_back ON batches (provider, finished_at) WHERE state = 'done';

CREATE TABLE batch_items (
    batch_id UUID NOT NULL REFERENCES batches (id),
    place    BIGINT NOT NULL,             -- from 0, in the order sent
    job_id   UUID NOT NULL REFERENCES model_jobs (id),
    outcome  TEXT,                        -- none until the result is taken in
    said     TEXT,                        -- what went wrong, where something did
    PRIMARY KEY (batch_id, place)
);
CREATE UNIQUE INDEX batch_items_job ON batch_items (job_id, batch_id);

CREATE TABLE calls (
    id            UUID PRIMARY KEY NOT NULL,
    job_id        UUID NOT NULL REFERENCES model_jobs (id),
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('started', 'answered', 'failed', 'lost')),
    owner         TEXT NOT NULL,
    started_at    TIMESTAMPTZ NOT NULL,
    lease_until   TIMESTAMPTZ NOT NULL,
    ended_at      TIMESTAMPTZ,
    reserved_nano BIGINT NOT NULL,
    response_id   TEXT,
    error         TEXT
);
CREATE INDEX calls_job ON calls (job_id);
CREATE INDEX calls_open ON calls (lease_until) WHERE state = 'started';
CREATE INDEX calls_answered ON calls (provider, ended_at) WHERE state = 'answered';

-- Results -----------------------------------------------------------------------------------------------------------

CREATE TABLE assessments (
    id            UUID PRIMARY KEY NOT NULL,
    submission_id UUID NOT NULL REFERENCES submissions (id),
    job_id        UUID NOT NULL UNIQUE REFERENCES model_jobs (id),
    total         BIGINT NOT NULL,        -- hundredths of points
    most          BIGINT NOT NULL,
    confidence    DOUBLE PRECISION,
    provider      TEXT,
    model         TEXT,
    response_id   TEXT,
    template      TEXT,                   -- name and version of the prompt
    prompt        BYTEA,                  -- SHA-256 of the prompt without the work
    created_at    TIMESTAMPTZ NOT NULL,
    released_at   TIMESTAMPTZ,
    released_by   UUID,
    decided_by    UUID,                   -- the person who gave the marks; none: a model did, and the five above are there
    marks         JSONB NOT NULL
);
CREATE INDEX assessments_submission ON assessments (submission_id);

-- The same work is not paid for twice --------------------------------------------------------------------------------

-- Requests that were sent, each once, with the job that asked it last. Written just before a request is sent, and its row
-- kept locked until that is written down: of several jobs with the same request only one asks.
CREATE TABLE asked (
    request BYTEA PRIMARY KEY NOT NULL, -- SHA-256 over provider, model, prompt and work
    job_id  UUID NOT NULL
);

-- Jobs that were given the answer to an earlier request (`model_jobs.same_as`), why, and what asking would have cost.
CREATE TABLE reuses (
    job_id      UUID PRIMARY KEY NOT NULL REFERENCES model_jobs (id),
    at          TIMESTAMPTZ NOT NULL,
    day         DATE NOT NULL, -- in the institution's time zone
    course_id   UUID NOT NULL,
    cost_centre TEXT NOT NULL,
    provider    TEXT NOT NULL,
    model       TEXT NOT NULL,
    route       TEXT NOT NULL CHECK (route IN ('realtime', 'batch')),
    likeness    TEXT NOT NULL CHECK (likeness IN ('same_work', 'near_draft')),
    saved_nano  BIGINT NOT NULL
);
CREATE INDEX reuses_day ON reuses (day);

-- Trials: works that have marks, marked once more by another model or version of the prompt ----------------------------

CREATE TABLE trials (
    id                     UUID PRIMARY KEY NOT NULL,
    assignment_id          UUID NOT NULL REFERENCES assignments (id),
    provider               TEXT NOT NULL,
    model                  TEXT NOT NULL,
    prompt_version         BIGINT NOT NULL,
    against_provider       TEXT NOT NULL, -- whose marks they are held against, beside those of people
    against_model          TEXT NOT NULL,
    against_prompt_version BIGINT NOT NULL,
    started_at             TIMESTAMPTZ NOT NULL,
    started_by             UUID,          -- none: Quire itself
    ended_at               TIMESTAMPTZ,
    stopped                BOOLEAN NOT NULL
);
-- One at a time of each kind.
CREATE UNIQUE INDEX trials_open ON trials (assignment_id, provider, model, prompt_version) WHERE ended_at IS NULL;

-- The id stands in the ledger where else a job's does, and its call's.
CREATE TABLE trial_works (
    id            UUID PRIMARY KEY NOT NULL,
    trial_id      UUID NOT NULL REFERENCES trials (id),
    submission_id UUID NOT NULL REFERENCES submissions (id),
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'asking', 'marked', 'unusable', 'failed', 'lost', 'stopped')),
    ready_at      TIMESTAMPTZ NOT NULL,
    failures      BIGINT NOT NULL,
    owner         TEXT,                   -- the process that asks
    lease_until   TIMESTAMPTZ,
    reserved_nano BIGINT NOT NULL,       -- held until it has ended
    expected_nano BIGINT NOT NULL,
    asked_tokens  BIGINT NOT NULL,       -- input tokens, estimated
    spent_nano    BIGINT NOT NULL DEFAULT 0,
    input_tokens  BIGINT NOT NULL DEFAULT 0, -- as the provider counted
    output_tokens BIGINT NOT NULL DEFAULT 0,
    total         BIGINT,                -- hundredths of points
    marks         JSONB,
    error         TEXT,
    ended_at      TIMESTAMPTZ,
    UNIQUE (trial_id, submission_id)
);
CREATE INDEX trial_works_waiting ON trial_works (ready_at) WHERE state = 'waiting';
CREATE INDEX trial_works_asking ON trial_works (lease_until) WHERE state = 'asking';

-- Versions of the prompt that were put in use for new assignments, and what was known of their marks.
CREATE TABLE prompt_adoptions (
    id             UUID PRIMARY KEY NOT NULL,
    prompt_version BIGINT NOT NULL,
    adopted_at     TIMESTAMPTZ NOT NULL,
    adopted_by     UUID REFERENCES people (id), -- none: Quire itself
    evidence       TEXT NOT NULL
);

-- Dead letters ------------------------------------------------------------------------------------------------------

-- One row each time a job ran out of remedies; open until something was done about it.
CREATE TABLE dead_letters (
    id            UUID PRIMARY KEY NOT NULL,
    job_id        UUID NOT NULL REFERENCES model_jobs (id),
    submission_id UUID NOT NULL REFERENCES submissions (id),
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    route         TEXT NOT NULL CHECK (route IN ('realtime', 'batch')),
    cause         TEXT NOT NULL,
    why           TEXT NOT NULL,
    died_at       TIMESTAMPTZ NOT NULL,
    recoveries    BIGINT NOT NULL,        -- scheduled recoveries that the job had before
    recover_at    TIMESTAMPTZ,            -- when the next is due; none: a person must look at it
    resolution    TEXT CHECK (resolution IN ('recovered', 'retried', 'rerouted', 'edited', 'marked', 'discarded')),
    resolved_at   TIMESTAMPTZ,
    resolved_by   UUID,                   -- none: Quire itself
    reason        TEXT,
    told_at       TIMESTAMPTZ           -- when a summary to administrators counted it
);
CREATE UNIQUE INDEX dead_letters_open ON dead_letters (job_id) WHERE resolution IS NULL;
CREATE INDEX dead_letters_job ON dead_letters (job_id, died_at);
CREATE INDEX dead_letters_due ON dead_letters (recover_at) WHERE resolution IS NULL;
CREATE INDEX dead_letters_died ON dead_letters (died_at, id);
CREATE INDEX dead_letters_told ON dead_letters (told_at);

-- What people changed in a request before it was sent again. The work as it was handed in stays as it is.
CREATE TABLE request_edits (
    id             UUID PRIMARY KEY NOT NULL,
    dead_letter_id UUID NOT NULL REFERENCES dead_letters (id),
    job_id         UUID NOT NULL REFERENCES model_jobs (id),
    made_at        TIMESTAMPTZ NOT NULL,
    made_by        UUID,                -- none: Quire itself
    reason         TEXT NOT NULL,
    max_output     BIGINT NOT NULL,       -- most tokens of the answer from then on
    text           TEXT                  -- what is sent in place of the work; none: the work as handed in
);
CREATE INDEX request_edits_job ON request_edits (job_id, made_at);

-- Who had the student's text shown with a dead letter.
CREATE TABLE dead_letter_looks (
    id             UUID PRIMARY KEY NOT NULL,
    dead_letter_id UUID NOT NULL REFERENCES dead_letters (id),
    looked_at      TIMESTAMPTZ NOT NULL,
    looked_by      UUID                  -- none: Quire itself
);
CREATE INDEX dead_letter_looks_letter ON dead_letter_looks (dead_letter_id, looked_at);

-- Money -------------------------------------------------------------------------------------------------------------

CREATE TABLE prices (
    provider_kind TEXT NOT NULL,
    provider      TEXT NOT NULL,         -- whose own price it is; empty: that of every provider of the kind
    model         TEXT NOT NULL,
    valid_from    TIMESTAMPTZ NOT NULL,
    price         JSONB NOT NULL,         -- nano-dollars per million tokens, by kind of token
    deal          JSONB NOT NULL,         -- negotiated: a discount, tiers by the month's volume
    PRIMARY KEY (provider_kind, provider, model, valid_from)
);

-- Append-only: what is held, expected and spent is the sum of the lines.
CREATE TABLE ledger (
    id                      UUID PRIMARY KEY NOT NULL,
    at                      TIMESTAMPTZ NOT NULL,
    day                     DATE NOT NULL, -- in the institution's time zone
    kind                    TEXT NOT NULL CHECK (kind IN ('reserve', 'settle', 'release', 'lost')),
    job_id                  UUID NOT NULL,
    batch_id                UUID,
    call_id                 UUID,
    provider                TEXT NOT NULL,
    model                   TEXT NOT NULL,
    course_id               UUID NOT NULL,
    cost_centre             TEXT NOT NULL,
    reserved_nano           BIGINT NOT NULL,
    expected_nano           BIGINT NOT NULL,
    spent_nano              BIGINT NOT NULL,
    response_id             TEXT,
    input_tokens            BIGINT NOT NULL,
    cached_tokens           BIGINT NOT NULL,
    cache_write_tokens      BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens           BIGINT NOT NULL,
    reasoning_tokens        BIGINT NOT NULL,
    note                    TEXT,
    UNIQUE (job_id, provider, response_id) -- the job first: its lines lie together, and are found by it
);
CREATE INDEX ledger_day ON ledger (day, at);

-- What is held for jobs at work now, whichever month it was reserved in: running sums of the ledger, for the institution
-- (scope 'all') and each course (its id).
CREATE TABLE held (
    scope         TEXT PRIMARY KEY NOT NULL,
    reserved_nano BIGINT NOT NULL,
    expected_nano BIGINT NOT NULL
);

-- What was spent in each month (2026-11, in the institution's time zone): running sums of the ledger by the same scopes.
CREATE TABLE spending (
    month      TEXT NOT NULL,
    scope      TEXT NOT NULL,
    spent_nano BIGINT NOT NULL,
    PRIMARY KEY (month, scope)
);

-- What was spent on each day, and for what: running sums of the ledger, so that nobody adds up its lines.
CREATE TABLE spending_days (
    day           DATE NOT NULL,
    course_id     UUID NOT NULL,
    cost_centre   TEXT NOT NULL,
    provider      TEXT NOT NULL,
    model         TEXT NOT NULL,
    batched       BOOLEAN NOT NULL,
    measures      BIGINT NOT NULL, -- as those of the batches
    spent_nano    BIGINT NOT NULL,
    answers       BIGINT NOT NULL,
    input_tokens  BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    cache_write_tokens      BIGINT NOT NULL,
    cache_write_long_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    PRIMARY KEY (day, course_id, cost_centre, provider, model, batched, measures)
);

CREATE TABLE budgets (
    id         UUID PRIMARY KEY NOT NULL,
    scope      TEXT NOT NULL,             -- 'all' or a course's id
    limit_nano BIGINT NOT NULL,           -- each month
    hard_stop  BOOLEAN NOT NULL,
    UNIQUE (scope)
);

-- Every budget that was set and removed, so that a month that has ended keeps those that it had.
CREATE TABLE budget_changes (
    id         UUID PRIMARY KEY NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    scope      TEXT NOT NULL,             -- as in budgets
    limit_nano BIGINT,                   -- none: it was removed
    hard_stop  BOOLEAN NOT NULL,
    changed_by UUID REFERENCES people (id) -- none: the set-up file
);
CREATE INDEX budget_changes_scope ON budget_changes (scope, id);

-- Thresholds of budgets that were passed, each told once; a changed limit is a new matter.
CREATE TABLE budget_alerts (
    id         UUID PRIMARY KEY NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    month      TEXT NOT NULL,
    scope      TEXT NOT NULL,
    course_id  UUID, -- none: the institution
    percent    BIGINT NOT NULL,
    used_nano  BIGINT NOT NULL,
    limit_nano BIGINT NOT NULL,
    UNIQUE (month, scope, percent, limit_nano)
);

-- Measures that save money, how each stands, and what was done and saved.
CREATE TABLE cost_control (
    measure    TEXT PRIMARY KEY NOT NULL CHECK (measure IN ('caching', 'larger_batches', 'delay', 'economy')),
    mode       TEXT NOT NULL CHECK (mode IN ('automatic', 'on', 'off')),
    on_since   TIMESTAMPTZ,
    changed_at TIMESTAMPTZ
);
INSERT INTO cost_control (measure, mode) VALUES
    ('caching', 'automatic'), ('larger_batches', 'automatic'), ('delay', 'automatic'), ('economy', 'automatic');

CREATE TABLE cost_control_changes (
    id         UUID PRIMARY KEY NOT NULL,
    at         TIMESTAMPTZ NOT NULL,
    measure    TEXT NOT NULL,
    taken      BOOLEAN NOT NULL, -- else given up
    why        TEXT NOT NULL,
    changed_by UUID -- none: the projection
);
CREATE INDEX cost_control_changes_at ON cost_control_changes (at);

-- What measures saved that change where works go, by day.
CREATE TABLE cost_control_saved (
    day        DATE NOT NULL,
    measure    TEXT NOT NULL,
    answers    BIGINT NOT NULL,
    saved_nano BIGINT NOT NULL,
    PRIMARY KEY (day, measure)
);

-- Bills of months that have ended, posted to the institution's webhook.
CREATE TABLE webhook_deliveries (
    id           UUID PRIMARY KEY NOT NULL,
    month        TEXT NOT NULL UNIQUE,
    body         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'delivered', 'failed')),
    attempts     BIGINT NOT NULL,
    next_at      TIMESTAMPTZ NOT NULL,            -- when it is posted, or the lease of who posts it ends
    last_status  BIGINT,
    last_error   TEXT,
    created_at   TIMESTAMPTZ NOT NULL,
    attempted_at TIMESTAMPTZ,
    delivered_at TIMESTAMPTZ
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (next_at) WHERE state IN ('waiting', 'sending');

-- Addresses that answered that they are gone, by the digest of the address.
CREATE TABLE webhook_gone (
    target TEXT PRIMARY KEY NOT NULL,
    at     TIMESTAMPTZ NOT NULL
);

-- Providers and rules -----------------------------------------------------------------------------------------------

CREATE TABLE providers (
    name       TEXT PRIMARY KEY NOT NULL,
    kind       TEXT NOT NULL,
    base_url   TEXT NOT NULL,
    sealed_key TEXT NOT NULL,
    enabled    BOOLEAN NOT NULL,
    settings   JSONB NOT NULL,
    cut_at     TIMESTAMPTZ,               -- when a batch was last cut; its row lock also keeps cutters apart
    updated_at TIMESTAMPTZ NOT NULL
);

-- Models whose marks administrators hold equal, in groups, with where that comes from.
CREATE TABLE equal_models (
    provider   TEXT NOT NULL,
    model      TEXT NOT NULL,
    group_name TEXT NOT NULL,
    evidence   TEXT NOT NULL,
    stated_by  UUID REFERENCES people (id), -- none: the command line
    stated_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (provider, model)
);

CREATE TABLE rule_sets (
    id         UUID PRIMARY KEY NOT NULL,
    version    BIGINT NOT NULL UNIQUE,
    rules      JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    created_by UUID
);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- What each process knows of each provider; rows of processes that are gone are deleted after an hour.
CREATE TABLE provider_health (
    provider   TEXT NOT NULL,
    owner      TEXT NOT NULL,             -- the process that makes the calls
    updated_at TIMESTAMPTZ NOT NULL,
    figures    JSONB NOT NULL,
    PRIMARY KEY (provider, owner)
);

-- Outages that administrators were told of.
CREATE TABLE provider_outages (
    id       UUID PRIMARY KEY NOT NULL,
    provider TEXT NOT NULL,
    began_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,                 -- none: it goes on
    reason   TEXT NOT NULL
);
CREATE UNIQUE INDEX provider_outages_open ON provider_outages (provider) WHERE ended_at IS NULL;

-- Notices and events ------------------------------------------------------------------------------------------------

CREATE TABLE notices (
    id            UUID PRIMARY KEY NOT NULL,
    person_id     UUID NOT NULL REFERENCES people (id),
    kind          TEXT NOT NULL,
    subject_id    UUID NOT NULL,          -- what it is about: a submission, a batch
    channel       TEXT NOT NULL CHECK (channel IN ('platform', 'email')),
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
    created_at    TIMESTAMPTZ NOT NULL,
    read_at       TIMESTAMPTZ,
    send_at       TIMESTAMPTZ NOT NULL,
    sent_at       TIMESTAMPTZ,
    attempts      BIGINT NOT NULL,
    error         TEXT,
    UNIQUE (subject_id, person_id, kind, channel)
);
CREATE INDEX notices_person ON notices (person_id, created_at) WHERE channel = 'platform';
CREATE INDEX notices_due ON notices (send_at) WHERE state IN ('waiting', 'sending') AND channel = 'email';

CREATE TABLE events (
    seq        BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         TIMESTAMPTZ NOT NULL,
    kind       TEXT NOT NULL,
    subject_id UUID NOT NULL
);
