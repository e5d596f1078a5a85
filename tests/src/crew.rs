//! Several processes of one Quire that share a school's database: they are killed, stopped and started one by one.

use crate::{api::Api, ports, school::School};
use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Serves pages and API.
    Web,
    /// Works on the queue.
    Worker,
}

/// What is to happen to a process at a named point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Orders {
    /// Nothing.
    None,
    /// It ends there as `kill -9` does, such as `cut.after_commit:2`.
    Crash(String),
    /// It is stopped there as `kill -STOP` does.
    Stop(String),
}

/// One process.
#[derive(Debug)]
pub struct Member {
    /// What it does.
    pub role: Role,
    /// Where a web process listens.
    pub url: String,
    /// What is to happen to it.
    pub orders: Orders,
    /// When it was started.
    pub since: Instant,
    child: Child,
}

impl Member {
    /// Starts a process of a school.
    ///
    /// # Panics
    /// If it can't be run.
    #[must_use]
    pub fn start(school: &School, role: Role, orders: Orders) -> Self {
        let url = format!("http://127.0.0.1:{}", ports::free());
        let child = launch(school, role, &url, &orders);
        Self { role, url, orders, since: Instant::now(), child }
    }

    /// Starts it again after its end, at the same address.
    ///
    /// # Panics
    /// If it can't be run.
    pub fn restart(&mut self, school: &School, orders: Orders) {
        self.kill();
        self.child = launch(school, self.role, &self.url, &orders);
        (self.orders, self.since) = (orders, Instant::now());
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// It has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// It is to be killed where it splits a batch.
    #[must_use]
    pub fn waits_for_a_split(&self) -> bool {
        matches!(&self.orders, Orders::Crash(point) if point.starts_with("split."))
    }

    /// It was stopped and stands still.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // After the name in brackets comes the state.
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// Lets it go on after it was stopped.
    pub fn go_on(&self) {
        let _ = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status();
    }

    /// Waits until it answers.
    ///
    /// # Panics
    /// If it doesn't in time.
    pub async fn ready(&self) {
        crate::wait::until("a web process is ready", Duration::from_secs(40), async || {
            let answer = crate::api::client().get(format!("{}/readyz", self.url)).send().await;
            answer.is_ok_and(|answer| answer.status().is_success()).then_some(())
        })
        .await;
    }

    /// Its API for one of the school's people.
    #[must_use]
    pub fn api(&self, school: &School, who: &str) -> Api {
        Api::new(&self.url, Some(school.token(who)))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}

fn launch(school: &School, role: Role, url: &str, orders: &Orders) -> Child {
    let mut command = match role {
        Role::Web => {
            let mut command = school.command(&["serve", "--web-only"]);
            command.arg("--set").arg(format!("listen={}", url.trim_start_matches("http://")));
            command
        }
        Role::Worker => school.command(&["worker"]),
    };
    let log = std::fs::File::options().create(true).append(true).open(school.path("server.log"));
    let log = log.expect("a temporary file can be written");
    command.stdin(Stdio::null()).stdout(log.try_clone().expect("a file can be shared")).stderr(log);
    match orders {
        Orders::None => {}
        Orders::Crash(at) => _ = command.env("QUIRE_CRASH_AT", at),
        Orders::Stop(at) => _ = command.env("QUIRE_STOP_AT", at),
    }
    command.spawn().expect("the program can be run")
}
