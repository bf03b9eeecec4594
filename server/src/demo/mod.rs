//! The demonstration: three clouds on this machine under one supervisor.
//!
//! Each cloud is a real process with its own ports, Postgres cluster and keys, so stopping one
//! is a real fault. The supervisor writes their configuration, watches over them, carries what they
//! say to each other, serves the fault lab and sends the sample traffic.

mod acts;
mod authority;
mod chains;
mod corrupt;
mod lab;
mod links;
mod malice;
mod place;
mod process;
mod says;
pub mod story;
mod traffic;
mod views;
mod witness;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::cloud::Cloud;
use domain::quorum::Mode;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use acts::Acts;
use lab::{Bench, Lab};
use links::Links;
use place::Place;
use process::{FirstStart, Fleet};
use says::{LOG_NAME, say};
use views::Views;

use crate::logging::LateLog;
use crate::peer;

pub use place::{DemoError, default_folder};

/// What the command line asks for.
#[derive(Clone, Debug)]
pub struct Options {
    pub data: PathBuf,
    pub port_base: u16,
    pub dns_port_base: u16,
    /// What FINAL means; a data folder keeps the mode that it began with.
    pub mode: Mode,
    /// Tell the sample story.
    pub story: bool,
    /// Send sample traffic from the start.
    pub traffic: bool,
    /// Anchor on development chains, where their nodes are installed.
    pub chains: bool,
    /// Where this process's own log goes once the folder is ours. `None`: to stderr, and everything
    /// that the clouds log as well.
    pub log: Option<LateLog>,
}

/// Three clusters are made and a story is told before the last cloud is ready.
const READY_MAX: Duration = Duration::from_secs(180);

/// Runs the three clouds until `stop`, then stops everything that it started.
///
/// # Errors
/// A port is taken, the data folder is in use or unusable, or a cloud does not start.
pub async fn run(options: Options, stop: CancellationToken) -> Result<(), DemoError> {
    let (place, sockets) = place::prepare(&options)?;
    let place = Arc::new(place);
    let verbose = options.log.is_none();
    if let Some(log) = &options.log {
        log.open(place.data.join(LOG_NAME));
    }
    say(&format!("starting gcp, aws and azure in {}", place.data.display()));
    let lab_listener = lab::listen(place.lab_port).await?;
    let end = stop.child_token();
    let mut tasks = JoinSet::new();
    let links = Links::start(sockets, &place.addresses, &end, &mut tasks);
    let links = links.map_err(DemoError::Links)?;
    if let Some(config) = place.witness.clone() {
        tasks.spawn(witness::keep(config, verbose, end.clone()));
    }
    place.chains.start(&end, &mut tasks).await;
    let fleet = Fleet::start(&place, verbose, &end, &mut tasks);
    let traffic = traffic::start(place.urls.clone(), options.traffic, &end, &mut tasks);
    let client = peer::client()?;
    let lab = Lab::new(Bench {
        place: Arc::clone(&place),
        fleet,
        links,
        traffic,
        views: Views::new(client.clone(), place.urls.clone()),
        acts: Acts::default(),
        client,
        turn: Mutex::default(),
        end: end.clone(),
    });
    let authority = place.authority.clone().map(authority::Authority::routes);
    tasks.spawn(lab::serve(lab_listener, lab.clone(), authority, end.clone()));

    let started = announce(lab.fleet(), &place, &stop).await;
    if started.is_ok() {
        stop.cancelled().await;
    }
    say("stopping");
    end.cancel();
    while tasks.join_next().await.is_some() {}
    place.stop_orphans();
    say("stopped");
    started
}

/// Prints a line for each cloud when it is ready, then where to sign in.
async fn announce(fleet: &Fleet, place: &Place, stop: &CancellationToken) -> Result<(), DemoError> {
    let mut waiting = JoinSet::new();
    for cloud in Cloud::ALL {
        let first_start = fleet.first_start(cloud);
        waiting.spawn(async move { (cloud, first_start.await) });
    }
    let all_ready = async {
        while let Some(joined) = waiting.join_next().await {
            let Ok((cloud, outcome)) = joined else { continue };
            match outcome {
                FirstStart::Ready => say(&format!("ready {cloud} {}", place.urls.get(cloud))),
                FirstStart::Failed(last_words) => {
                    return Err(DemoError::NotStarted { cloud, last_words });
                }
                FirstStart::Stopped => return Ok(()),
            }
        }
        let url = &place.urls.gcp;
        say(&format!("sign in at {url}/sign-in; the page shows who may, and the passwords"));
        let data = place.data.display();
        say(&format!("Ctrl-C stops everything; logs: {data}/{{gcp,aws,azure}}/{LOG_NAME}"));
        Ok(())
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        outcome = tokio::time::timeout(READY_MAX, all_ready) => {
            outcome.unwrap_or(Err(DemoError::TooSlow { seconds: READY_MAX.as_secs() }))
        }
    }
}
