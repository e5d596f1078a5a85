//! `quire token`.

use super::{General, print, tell};
use crate::{boot, settings::Period};
use anyhow::Context;
use clap::{Args, Subcommand};
use quire_engine::{
    identity::{Actor, Identity},
    store::{TokenId, World},
};
use std::fmt::Write;

/// Makes, lists and revokes bearer tokens of the API. Whoever has a token may do what its person may.
#[derive(Args, Debug)]
pub(super) struct Token {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token and print it. It is shown this once
    Create {
        /// Whose token: an e-mail address
        #[arg(long, value_name = "EMAIL")]
        person: String,
        /// What it is for, so that you know it again
        #[arg(long)]
        name: String,
        /// After how long it is not taken any more, such as 90days [default: never]
        #[arg(long, value_name = "TIME", value_parser = period)]
        expires: Option<Period>,
    },
    /// List a person's tokens, newest first
    List {
        /// Whose tokens: an e-mail address
        #[arg(long, value_name = "EMAIL")]
        person: String,
    },
    /// Revoke a token: at once here, within seconds in other processes
    Revoke {
        /// Whose token: an e-mail address
        #[arg(long, value_name = "EMAIL")]
        person: String,
        /// The token's id, as `quire token list` shows it
        #[arg(value_name = "ID")]
        id: TokenId,
    },
}

impl Token {
    pub(super) async fn run(&self, general: &General) -> anyhow::Result<()> {
        let settings = general.begin(&[])?;
        let db = boot::open(&settings).await?;
        let world = World::system();
        let identity = Identity::new(db.clone(), world.clone());
        let system = Actor::System;
        match &self.act {
            Act::Create { person, name, expires } => {
                let person = identity.find(&system, person).await?;
                let expires_at = match expires {
                    Some(period) => {
                        let delta = chrono::TimeDelta::from_std(period.0).context("--expires is too long")?;
                        Some(world.now().checked_add_signed(delta).context("--expires is too long")?)
                    }
                    None => None,
                };
                let token = identity.create_token(&system, person.id, name, expires_at).await?;
                tell(&format!(
                    "Token {} for {}. Keep it safe; it is not shown again.",
                    token.id, person.email
                ));
                print(&format!("{}\n", token.secret))?;
            }
            Act::List { person } => {
                let person = identity.find(&system, person).await?;
                let mut out = String::new();
                for token in identity.tokens(&system, person.id).await? {
                    let state = match (token.revoked_at, token.expires_at) {
                        (Some(at), _) => format!("revoked {}", at.format("%Y-%m-%d")),
                        (None, Some(at)) if at <= world.now() => format!("expired {}", at.format("%Y-%m-%d")),
                        (None, Some(at)) => format!("until {}", at.format("%Y-%m-%d")),
                        (None, None) => "valid".to_owned(),
                    };
                    let made = token.created_at.format("%Y-%m-%d");
                    let _ = writeln!(out, "{}  {made}  {state:<18}  {}", token.id, token.name);
                }
                print(&out)?;
            }
            Act::Revoke { person, id } => {
                let person = identity.find(&system, person).await?;
                identity
                    .revoke_token(&system, person.id, *id)
                    .await
                    .with_context(|| format!("there is no valid token {id} of {}", person.email))?;
                tell("Revoked.");
            }
        }
        db.close().await;
        Ok(())
    }
}

fn period(text: &str) -> Result<Period, String> {
    text.parse()
}
