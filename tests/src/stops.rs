//! Several processes on one PostgreSQL share the work while one of them is stopped for longer than its lease at one named
//! point after the other and then goes on, and another is killed. In the end nothing may be lost and no batched request
//! paid for twice: no process leads, and one that stood still can't undo what others did.

use crate::{
    api::{Answer, Api},
    books::Proof,
    crew::{Member, Orders, Role},
    essays::essay,
    school::{Database, Options, School},
    wait,
};
use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _};
use quire_engine::crash::POINTS;
use serde_json::json;
use std::{
    ops::Range,
    time::{Duration, Instant},
};

/// A process stopped inside a send to Anthropic is outside the promise.
const LEFT_OUT: [&str; 2] = ["send.before_create", "send.after_create"];

/// How long may be waited for a process to come to its point.
const PATIENCE: Duration = Duration::from_secs(120);

/// While no process comes to the split of a batch, OpenAI takes smaller batches so often.
const LOWERED: Duration = Duration::from_secs(8);

/// Hand-ins that are under way at once.
const AT_ONCE: usize = 8;

/// How it is done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Pieces of work at the least, an equal share for each point; every fifth is urgent and so marked by a call.
    pub jobs: usize,
    /// For how long a process stands still.
    pub still: Duration,
    /// The most jobs of a batch. Some of those batches are too large for OpenAI, and are split.
    pub most: u32,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the books prove.
    pub proof: Proof,
    /// The points at which a process stood still.
    pub stops: usize,
    /// The fewest pieces of work that the others marked while one stood still.
    pub fewest_meanwhile: i64,
    /// How long all of it took.
    pub took: Duration,
}

impl Outcome {
    /// It in words.
    #[must_use]
    pub fn report(&self) -> String {
        let Proof { assessed, in_batches, in_real_time, lost_answers, .. } = self.proof;
        format!(
            "  {assessed} marked after {:.0} s, lost 0, batched requests paid twice 0; paid: {in_batches} in batches, \
             {in_real_time} calls ({lost_answers} without their answer)\n  stopped at {} points, while the others marked at \
             least {}; one worker killed",
            self.took.as_secs_f64(),
            self.stops,
            self.fewest_meanwhile
        )
    }
}

/// Stops a process at one point after the other.
///
/// # Errors
/// Says which promise was broken.
pub async fn stops(plan: Plan) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let simulator = quire_simulator::Settings {
        openai_max_requests: u64::from(plan.most) / 2,
        ..Options::default().simulator
    };
    let options = Options { simulator, jobs: (1, plan.most), ..Options::default() };
    let school = School::prepare(Database::Postgres, options).await;
    let outcome = Box::pin(one_after_the_other(&school, plan)).await.with_context(|| school.log_tail());
    school.close().await;
    outcome.map(|outcome| Outcome { took: begin.elapsed(), ..outcome })
}

async fn one_after_the_other(school: &School, plan: Plan) -> anyhow::Result<Outcome> {
    let mut webs = [Role::Web, Role::Web].map(|role| Member::start(school, role, Orders::None));
    let mut workers = [Role::Worker, Role::Worker].map(|role| Member::start(school, role, Orders::None));
    for web in &webs {
        web.ready().await;
    }
    let points: Vec<&str> = POINTS.into_iter().filter(|point| !LEFT_OUT.contains(point)).collect();
    // The process that is stopped takes no work, so that none waits for it; what it does take is its own.
    let api = webs[1].api(school, "berg");
    let share = plan.jobs.div_ceil(points.len());
    let few = (share / 4).max(5);
    let (mut handed_in, mut fewest) = (0, i64::MAX);
    let (mut limit, mut lowered) = (u64::from(plan.most) / 2, Instant::now());
    for (n, point) in points.iter().enumerate() {
        let of_web = point.starts_with("hand_in.");
        // How often a batch is split can't be willed, as Quire learns from each: whoever splits one first is stopped.
        let of_either = point.starts_with("split.");
        if n == points.len() / 2 {
            workers[1].restart(school, Orders::None);
        }
        let armed = if of_web { &mut webs[..1] } else { &mut workers[..=usize::from(of_either)] };
        for member in armed.iter_mut() {
            member.restart(school, Orders::Stop((*point).to_owned()));
        }
        let own = handed_in..handed_in + usize::from(of_web);
        if of_web {
            armed[0].ready().await;
            // It is answered once the process goes on, if at all: it is handed in again below.
            tokio::spawn(Answer::try_to(request(&armed[0].api(school, "berg"), school, own.start)));
        }
        handed_in = own.end;
        let enough = handed_in + share;
        let which = wait::until(&format!("a process stands still at {point}"), PATIENCE, async || {
            let which = armed.iter().position(Member::stands_still);
            if which.is_none() {
                hand_in(&api, school, handed_in..handed_in + few)
                    .await
                    .unwrap_or_else(|error| panic!("{error:?}"));
                handed_in += few;
                // With each batch that is split Quire cuts smaller ones, until none is too large any more.
                if of_either && lowered.elapsed() > LOWERED {
                    (limit, lowered) = ((limit * 3 / 4).max(2), Instant::now());
                    school.control(&json!({"openai_max_requests": limit})).await;
                }
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            which
        })
        .await;
        for (n, other) in armed.iter_mut().enumerate() {
            if n != which {
                other.restart(school, Orders::None);
            }
        }
        let stopped = &armed[which];
        let before = school.count("SELECT COUNT(*) FROM assessments").await;
        let more = enough.max(handed_in + few);
        hand_in(&api, school, handed_in..more).await?;
        handed_in = more;
        tokio::time::sleep(plan.still).await;
        let meanwhile = school.count("SELECT COUNT(*) FROM assessments").await - before;
        ensure!(meanwhile > 0, "no work went on while a process stood still at {point}");
        fewest = fewest.min(meanwhile);
        stopped.go_on();
        hand_in(&api, school, own).await?;
    }
    school.control(&json!({"openai_max_requests": plan.most / 2})).await;
    school.wait_until_idle(PATIENCE).await;
    let proof = school.prove().await;
    ensure!(proof.assessed == handed_in, "{} of {handed_in} were marked: {proof:?}", proof.assessed);
    ensure!(proof.ended_otherwise == 0, "{proof:?}");
    Ok(Outcome { proof, stops: points.len(), fewest_meanwhile: fewest, took: Duration::ZERO })
}

fn request(api: &Api, school: &School, n: usize) -> reqwest::RequestBuilder {
    let key = if n % 5 == 4 { "exam" } else { "essay" };
    let body = json!({
        "assignment": school.assignment(key),
        "text": essay(n as u64, 120),
        "student": format!("student{n}@example.edu"),
    });
    api.hand_in_request(&body, Some(&format!("stops-{n}")))
}

async fn hand_in(api: &Api, school: &School, which: Range<usize>) -> anyhow::Result<()> {
    futures::stream::iter(which)
        .map(|n| async move {
            let answer = Answer::try_to(request(api, school, n)).await?;
            // Known again: the process that stood still had stored it.
            ensure!(answer.status.is_success(), "hand-in {n} was refused: {}", answer.text);
            anyhow::Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}
