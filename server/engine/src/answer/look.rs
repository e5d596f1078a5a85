//! Looking whether requests were sent before, just before they would be.

use super::{First, Next, next, next::wait, request, store};
use crate::{
    engine::{Engine, EngineError},
    queue::{self, Job},
    store::{AssignmentId, Digest, JobId, Tx},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The request of a job, and the part of its prompt that all work of the assignment shares.
struct Request {
    assignment: AssignmentId,
    whole: Digest,
    prompt: Digest,
}

impl Engine {
    /// What is done with each of these jobs, which could be sent now, in their order: of those with the same request only
    /// the first one asks. With `ask` their requests are noted as asked, and nobody else can ask them until the transaction
    /// ends; without it is only looked.
    ///
    /// # Errors
    /// If the database fails.
    pub(crate) async fn next_of(
        &self,
        tx: &mut Tx,
        jobs: &[Job],
        ask: bool,
    ) -> Result<Vec<Next>, EngineError> {
        if !self.settings().reuse_answers {
            return Ok(vec![Next::Ask; jobs.len()]);
        }
        let now = self.now();
        let mut requests = self.requests(tx, jobs).await?;
        let assignments = requests.iter().map(|(job, request)| (*job, request.assignment)).collect();
        let near = self.near_drafts(tx, jobs, &assignments).await?;
        // They ask nothing, and nobody waits for their answer.
        requests.retain(|job, _| !near.contains_key(job));
        // In the order of their keys, so that two transactions never wait for each other in a circle.
        let mut firsts_in_line: BTreeMap<&Digest, JobId> = BTreeMap::new();
        for job in jobs {
            if let Some(request) = requests.get(&job.id) {
                firsts_in_line.entry(&request.whole).or_insert(job.id);
            }
        }
        let asks: Vec<(Digest, JobId)> =
            firsts_in_line.into_iter().map(|(request, job)| (request.clone(), job)).collect();
        let noted: HashSet<Digest> = match ask {
            true => store::note(tx, &asks).await?.into_iter().collect(),
            false => HashSet::new(),
        };
        let before: Vec<Digest> =
            asks.into_iter().map(|(request, _)| request).filter(|request| !noted.contains(request)).collect();
        let asked: HashMap<Digest, JobId> = store::asked(tx, &before).await?.into_iter().collect();
        let ids: Vec<JobId> = asked.values().copied().collect();
        let firsts: HashMap<JobId, First> =
            store::firsts(tx, &ids).await?.into_iter().map(|first| (first.id, first)).collect();
        let mut asking: HashMap<&Digest, JobId> = HashMap::new();
        let mut all = Vec::with_capacity(jobs.len());
        for job in jobs {
            if let Some(first) = near.get(&job.id) {
                all.push(Next::Give(*first));
                continue;
            }
            let Some(Request { whole, prompt, .. }) = requests.get(&job.id) else {
                all.push(Next::Ask);
                continue;
            };
            if let Some(first) = asking.get(whole) {
                all.push(wait(job, *first, now));
                continue;
            }
            let last = asked.get(whole);
            let first = last.and_then(|id| firsts.get(id));
            let decided = next(job, first, prompt, now);
            let stands = first.is_some_and(|first| first.stands(job, prompt));
            if ask && decided == Next::Ask && !stands {
                asking.insert(whole, job.id);
                if last.is_some_and(|last| *last != job.id) {
                    store::take_over(tx, whole, job.id).await?;
                }
            }
            all.push(decided);
        }
        Ok(all)
    }

    /// The requests of jobs, but for edited ones: those are asked in any case, and nobody else is given their answers.
    async fn requests(&self, tx: &mut Tx, jobs: &[Job]) -> Result<HashMap<JobId, Request>, EngineError> {
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let made_from: HashMap<JobId, queue::store::Requested> =
            queue::store::requested(tx, &ids).await?.into_iter().map(|made| (made.job_id, made)).collect();
        let mut requests = HashMap::with_capacity(jobs.len());
        for job in jobs {
            let Some(made) = made_from.get(&job.id) else { continue };
            // What is switched off asks nobody.
            let Ok(entry) = self.provider(&job.provider) else { continue };
            let prompt = self.marking(made.assignment_id).await?.stable.digest.clone();
            let asked = (&*entry.name, entry.kind, &entry.base_url);
            let whole = request(asked, &job.model, &prompt, &made.work);
            requests.insert(job.id, Request { assignment: made.assignment_id, whole, prompt });
        }
        Ok(requests)
    }
}
