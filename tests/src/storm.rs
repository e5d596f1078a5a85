//! A fault storm: every fault of the simulator at once, and processes killed at random and at every named point, while
//! work comes in. In the end nothing may be lost and no batched request paid for twice.

use crate::{
    api::Answer,
    blame::{self, Dead, History},
    books::{Proof, Quire},
    crew::{Member, Orders, Role},
    essays::essay,
    school::{Database, Options, School},
};
use anyhow::{Context as _, bail, ensure};
use quire_engine::{crash::POINTS, store::Exec as _};
use quire_simulator::Fault;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::json;
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, Semaphore};

/// How bad it gets.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where Quire keeps its data.
    pub database: Database,
    /// Work handed in: of ten pieces six are standard, three economy, one urgent and so marked by a call.
    pub jobs: usize,
    /// Processes killed.
    pub kills: usize,
    /// The probability of each fault.
    pub chance: f64,
    /// Web processes, and workers.
    pub crew: (usize, usize),
    /// Seed of chance.
    pub seed: u64,
    /// How long it may take from the last kill until all have ended.
    pub patience: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What the books prove.
    pub proof: Proof,
    /// Kills by the point at which they struck; those at a random moment are under `at random`.
    pub kills: BTreeMap<String, usize>,
    /// Dead letters by cause.
    pub dead: BTreeMap<String, Dead>,
    /// How often each fault struck.
    pub struck: BTreeMap<Fault, usize>,
    /// The longest time from a worker's kill until work went on.
    pub resumed: Duration,
    /// How long all of it took.
    pub took: Duration,
}

impl Outcome {
    /// What share of the work was marked.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of thousands")]
    pub fn marked(&self) -> f64 {
        let Proof { assessed, ended_otherwise, .. } = self.proof;
        assessed as f64 / (assessed + ended_otherwise).max(1) as f64
    }

    /// Named points at which no kill struck.
    #[must_use]
    pub fn missed(&self) -> Vec<&'static str> {
        POINTS.into_iter().filter(|point| !self.kills.contains_key(*point)).collect()
    }

    /// It in words, a few lines.
    #[must_use]
    pub fn report(&self) -> String {
        let mut out = String::new();
        let Proof {
            assessed,
            ended_otherwise,
            in_batches,
            in_real_time,
            lost_answers,
            lost_lines,
            spoiled,
            ..
        } = self.proof;
        let kills: usize = self.kills.values().sum();
        let faults: usize = self.struck.values().sum();
        // Writing into a string can't fail.
        let _ = writeln!(
            out,
            "  {} jobs ended after {:.0} s: {assessed} marked ({:.1} %), {ended_otherwise} dead letters",
            assessed + ended_otherwise,
            self.took.as_secs_f64(),
            self.marked() * 100.0,
        );
        for (cause, dead) in &self.dead {
            let _ = writeln!(out, "    {cause}: {dead}");
        }
        let _ = writeln!(
            out,
            "  lost 0, batched requests paid twice 0; paid: {in_batches} in batches ({spoiled} never arrived readable), \
             {in_real_time} calls ({lost_answers} without their answer, {lost_lines} lines booked so)"
        );
        let _ = writeln!(
            out,
            "  {faults} faults of {} kinds struck; {kills} kills: {:?}; work went on after at most {:.1} s",
            self.struck.len(),
            self.kills,
            self.resumed.as_secs_f64()
        );
        out
    }
}

/// Every fault there is, each with this probability, and a Quire that is quick about its remedies.
fn options(chance: f64) -> Options {
    let simulator = quire_simulator::Settings {
        turnaround_seconds: 1.5,
        latency_ms: 200,
        // What is stuck, stalled or late is so for seconds.
        expire_after_seconds: 12.0,
        stall_seconds: 4.0,
        late_file_seconds: 2.0,
        long_finalizing_seconds: 4.0,
        retry_after_seconds: 1,
        faults: Fault::ALL.iter().map(|fault| (*fault, chance)).collect(),
        ..quire_simulator::Settings::default()
    };
    let mut options = Options { simulator, jobs: (5, 100), timeouts: (2, 3), ..Options::default() };
    for (key, value) in [
        ("lanes.urgent.backoff_seconds", "1"),
        ("lanes.standard.backoff_seconds", "1"),
        ("lanes.economy.backoff_seconds", "1"),
        ("retry.rate_limit.first_seconds", "1"),
        ("retry.rate_limit.most_seconds", "4"),
        ("retry.time_out.first_seconds", "1"),
        ("retry.time_out.most_seconds", "4"),
        ("retry.blocked_seconds", "2"),
        ("retry.queue_full_seconds", "2"),
        ("retry.insist_seconds", "2"),
        ("retry.recovery.first_seconds", "3"),
        ("retry.recovery.second_seconds", "6"),
        ("retry.recovery.third_seconds", "9"),
        // With every fault at once some provider fails most of the time: it is tried again soon.
        ("breaker.first_pause_seconds", "1"),
        ("breaker.most_pause_seconds", "2"),
        ("log.level", "warn"),
    ] {
        options = options.with(key, value);
    }
    options
}

/// The points that a process of this role comes to.
fn points(role: Role) -> Vec<&'static str> {
    POINTS.into_iter().filter(|point| point.starts_with("hand_in.") == (role == Role::Web)).collect()
}

/// Lets it storm.
///
/// # Errors
/// Says which promise was broken.
pub async fn storm(plan: Plan) -> anyhow::Result<Outcome> {
    let begin = Instant::now();
    let school = School::prepare(plan.database, options(plan.chance)).await;
    let result = Box::pin(weather(&school, plan))
        .await
        .with_context(|| format!("seed {}; the end of the log:\n{}", plan.seed, school.log_tail()));
    school.close().await;
    result.map(|outcome| Outcome { took: begin.elapsed(), ..outcome })
}

async fn weather(school: &School, plan: Plan) -> anyhow::Result<Outcome> {
    let (webs, workers) = plan.crew;
    let roles = std::iter::repeat_n(Role::Web, webs).chain(std::iter::repeat_n(Role::Worker, workers));
    let mut crew: Vec<Member> = roles.map(|role| Member::start(school, role, Orders::None)).collect();
    for web in crew.iter().filter(|member| member.role == Role::Web) {
        web.ready().await;
    }
    // Work comes in as kills go on, a portion for each.
    let allowed = Arc::new(Semaphore::new(0));
    let acknowledged = Arc::new(Mutex::new(HashSet::new()));
    let senders: Vec<_> = (0..4)
        .map(|n| tokio::spawn(Sender::new(school, plan, &crew, n, &allowed, &acknowledged).run()))
        .collect();
    let mut outcome = kill_again_and_again(school, plan, &mut crew, &allowed).await?;
    allowed.add_permits(plan.jobs);
    for sender in senders {
        sender.await??;
    }
    all_ended(school, plan).await?;
    let quire = Quire::read(&school.db()).await?;
    let known: HashSet<&str> = quire.jobs.iter().map(|job| &*job.tracking_id).collect();
    let acknowledged = acknowledged.lock().await;
    if let Some(lost) = acknowledged.iter().find(|id| !known.contains(&***id)) {
        bail!("{lost} was acknowledged and is lost");
    }
    ensure!(quire.jobs.len() == plan.jobs, "{} jobs were made of {} hand-ins", quire.jobs.len(), plan.jobs);
    let struck = school.struck().await;
    match crate::books::prove(&quire, &school.ledger().await) {
        Ok(proof) => outcome.proof = proof,
        Err(broken) => bail!("{broken}\n{}", story(school, &quire, &struck, &broken).await?),
    }
    for one in &struck {
        *outcome.struck.entry(one.fault).or_default() += 1;
    }
    let history = History::read(&school.db()).await?;
    outcome.dead = blame::explain(&history, &struck, plan.kills).map_err(anyhow::Error::msg)?;
    let dead: usize = outcome.dead.values().map(|dead| dead.letters).sum();
    ensure!(
        dead == outcome.proof.ended_otherwise,
        "{} jobs ended without marks, but there are {dead} open dead letters",
        outcome.proof.ended_otherwise
    );
    Ok(outcome)
}

/// Kills the crew's processes one after the other, each at its next named point or at a random moment.
async fn kill_again_and_again(
    school: &School,
    plan: Plan,
    crew: &mut [Member],
    allowed: &Semaphore,
) -> anyhow::Result<Outcome> {
    /// A process that doesn't come to its point is killed after this long.
    fn to_point(member: &Member) -> Duration {
        Duration::from_secs(if member.waits_for_a_split() { 40 } else { 8 })
    }
    let mut chance = StdRng::seed_from_u64(plan.seed);
    let mut outcome = Outcome::default();
    let mut tries: BTreeMap<&str, usize> = BTreeMap::new();
    let mut splitting = false;
    let portion = plan.jobs.div_ceil(plan.kills.max(1));
    allowed.add_permits(portion);
    let mut kills = 0;
    let mut random_at = Instant::now() + Duration::from_secs(1);
    // When a worker was killed with work to do, and how much had been done then.
    let mut waiting: Option<(Instant, i64)> = None;
    while kills < plan.kills {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if let Some((since, before)) = waiting
            && done(school).await? > before
        {
            outcome.resumed = outcome.resumed.max(since.elapsed());
            waiting = None;
        }
        let to_split = crew.iter().any(Member::waits_for_a_split);
        if to_split != splitting {
            splitting = to_split;
            take_small_batches_only(school, splitting).await;
        }
        let now = Instant::now();
        let ended = crew.iter_mut().position(Member::has_ended);
        let overdue = crew
            .iter()
            .position(|member| member.orders != Orders::None && now - member.since > to_point(member));
        let random = (now >= random_at)
            .then(|| chance.random_range(0..crew.len()))
            .filter(|at| crew[*at].orders == Orders::None);
        if now >= random_at {
            random_at = now + Duration::from_millis(chance.random_range(300..2_500));
        }
        let Some(at) = ended.or(overdue).or(random) else { continue };
        let member = &mut crew[at];
        let struck = match &member.orders {
            Orders::Crash(point) if ended == Some(at) => {
                point.split(':').next().unwrap_or_default().to_owned()
            }
            _ if ended == Some(at) => bail!("a {:?} process ended by itself", member.role),
            _ => "at random".to_owned(),
        };
        *outcome.kills.entry(struck).or_default() += 1;
        kills += 1;
        member.kill();
        if member.role == Role::Worker && waiting.is_none() && open(school).await? > 0 {
            waiting = Some((Instant::now(), done(school).await?));
        }
        let orders = if chance.random_bool(0.6) && kills < plan.kills {
            // The point that was struck the fewest times; none where those of the other role are far behind, so that kills
            // are left for them.
            let struck = |point: &str| outcome.kills.get(point).copied().unwrap_or(0);
            let tried = |point: &str| tries.get(point).copied().unwrap_or(0);
            let points = points(member.role).into_iter();
            let point = points.min_by_key(|point| (struck(point), tried(point))).context("a point")?;
            let least = POINTS.into_iter().map(struck).min().unwrap_or(0);
            if struck(point) > least + 1 {
                Orders::None
            } else {
                *tries.entry(point).or_default() += 1;
                let time = if point.starts_with("split.") { 1 } else { chance.random_range(1..=2) };
                Orders::Crash(format!("{point}:{time}"))
            }
        } else {
            Orders::None
        };
        member.restart(school, orders);
        allowed.add_permits(portion);
    }
    take_small_batches_only(school, false).await;
    // Nobody is to be killed any more.
    for member in crew.iter_mut().filter(|member| member.orders != Orders::None) {
        member.restart(school, Orders::None);
    }
    Ok(outcome)
}

/// Few batches are split by chance: where that is waited for, no provider takes more than twenty requests in one. With far
/// fewer, the many parts of one batch, sent one after the other, would keep all others waiting.
async fn take_small_batches_only(school: &School, small: bool) {
    let usual = quire_simulator::Settings::default();
    let [openai, anthropic] =
        if small { [20, 20] } else { [usual.openai_max_requests, usual.anthropic_max_requests] };
    school.control(&json!({"openai_max_requests": openai, "anthropic_max_requests": anthropic})).await;
}

/// A number that grows whenever a worker has done something.
async fn done(school: &School) -> anyhow::Result<i64> {
    let (n,): (i64,) = school
        .db()
        .query(
            "SELECT (SELECT COUNT(*) FROM assessments) + (SELECT COUNT(*) FROM calls) \
             + (SELECT CAST(COALESCE(SUM(polls + sends), 0) AS BIGINT) + COUNT(*) FROM batches)",
        )
        .one()
        .await?;
    Ok(n)
}

/// Jobs that could be worked on now.
async fn open(school: &School) -> anyhow::Result<i64> {
    let (n,): (i64,) = school
        .db()
        .query("SELECT COUNT(*) FROM model_jobs WHERE state IN ('queued', 'batched', 'calling')")
        .one()
        .await?;
    Ok(n)
}

/// Waits until each job has marks or is a dead letter that waits for a person.
async fn all_ended(school: &School, plan: Plan) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let waiting = open(school).await?
            + school
                .count(
                    "SELECT COUNT(*) FROM dead_letters WHERE resolution IS NULL AND recover_at IS NOT NULL",
                )
                .await;
        let batches =
            school.count("SELECT COUNT(*) FROM batches WHERE state NOT IN ('done', 'failed')").await;
        if waiting == 0 && batches == 0 {
            return Ok(());
        }
        ensure!(
            begin.elapsed() < plan.patience,
            "{waiting} jobs and {batches} batches had not ended {:?} after the last kill:\n{}",
            plan.patience,
            still_open(school).await?
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What has not ended, a few lines for whoever looks for the reason.
async fn still_open(school: &School) -> anyhow::Result<String> {
    let mut db = school.db();
    let batches: Vec<(String, String, i64, Option<String>)> = db
        .query(
            "SELECT provider, state, jobs, error FROM batches WHERE state NOT IN ('done', 'failed') LIMIT 10",
        )
        .all()
        .await?;
    let jobs: Vec<(String, String, String, i64, Option<String>)> = db
        .query(
            "SELECT provider, route, state, failures, failure FROM model_jobs \
             WHERE state IN ('queued', 'batched', 'calling') LIMIT 10",
        )
        .all()
        .await?;
    Ok(format!("{batches:#?}\n{jobs:#?}"))
}

/// The history of the job that is named in what was broken, for whoever looks for the reason.
async fn story(
    school: &School,
    quire: &Quire,
    struck: &[quire_simulator::StruckFault],
    broken: &str,
) -> anyhow::Result<String> {
    let Some(job) = quire.jobs.iter().find(|job| broken.contains(&job.id.to_string())) else {
        return Ok(String::new());
    };
    /// Id, the provider's id, state, jobs, sends, when it was made, what went wrong, and how the job ended in it.
    type Row = (String, Option<String>, String, i64, i64, String, Option<String>, Option<String>);
    let rows: Vec<Row> = school
        .db()
        .query(
            "SELECT CAST(b.id AS TEXT), b.remote_id, b.state, b.jobs, b.sends, CAST(b.created_at AS TEXT), b.error, i.outcome \
             FROM batch_items i JOIN batches b ON b.id = i.batch_id WHERE i.job_id = $1 ORDER BY b.created_at",
        )
        .bind(quire_engine::store::JobId(job.id))
        .all()
        .await?;
    let lines: Vec<_> = quire.lines.iter().filter(|line| line.job_id == job.id).collect();
    let faults: Vec<_> = struck
        .iter()
        .filter(|one| {
            one.custom_id.ends_with(&job.id.to_string())
                || rows.iter().any(|row| row.1.as_deref() == Some(&*one.subject) && one.custom_id.is_empty())
        })
        .collect();
    let log = std::fs::read_to_string(school.path("server.log")).unwrap_or_default();
    let job_id = job.id.to_string();
    let said: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(&job_id) || rows.iter().any(|row| line.contains(&row.0)))
        .collect();
    Ok(format!("{job:#?}\n{rows:#?}\n{lines:#?}\n{faults:#?}\n{}", said.join("\n")))
}

/// Hands in, tried again while nobody answers, as any client would.
struct Sender {
    apis: Vec<crate::api::Api>,
    assignments: [String; 3],
    numbers: std::iter::StepBy<std::ops::Range<usize>>,
    seed: u64,
    allowed: Arc<Semaphore>,
    acknowledged: Arc<Mutex<HashSet<String>>>,
}

impl Sender {
    fn new(
        school: &School,
        plan: Plan,
        crew: &[Member],
        at: usize,
        allowed: &Arc<Semaphore>,
        acknowledged: &Arc<Mutex<HashSet<String>>>,
    ) -> Self {
        let webs = crew.iter().filter(|member| member.role == Role::Web);
        Self {
            apis: webs.map(|web| web.api(school, "berg")).collect(),
            assignments: ["essay", "practice", "exam"].map(|key| school.assignment(key).to_owned()),
            numbers: (at..plan.jobs).step_by(4),
            seed: plan.seed,
            allowed: allowed.clone(),
            acknowledged: acknowledged.clone(),
        }
    }

    async fn run(self) -> anyhow::Result<()> {
        /// A hand-in that is refused for so long is a failure.
        const PATIENCE: Duration = Duration::from_secs(120);
        for n in self.numbers {
            self.allowed.acquire().await?.forget();
            let assignment = match n % 10 {
                0..=5 => &self.assignments[0],
                6..=8 => &self.assignments[1],
                _ => &self.assignments[2],
            };
            let body = json!({
                "assignment": assignment,
                "text": essay(self.seed.wrapping_mul(1_000_000).wrapping_add(n as u64), 150),
                "student": format!("student{n}@example.edu"),
            });
            let key = format!("storm-{n}");
            let begin = Instant::now();
            for turn in n.. {
                let api = &self.apis[turn % self.apis.len()];
                match Answer::try_to(api.hand_in_request(&body, Some(&key))).await {
                    Ok(answer) if answer.status.is_success() => {
                        self.acknowledged.lock().await.insert(answer.string("tracking_id"));
                        break;
                    }
                    Ok(answer) if answer.status.is_client_error() => bail!("refused: {}", answer.text),
                    _ if begin.elapsed() > PATIENCE => bail!("nobody took hand-in {n} in {PATIENCE:?}"),
                    _ => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        }
        Ok(())
    }
}
