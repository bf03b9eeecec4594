//! The witness: a fourth cosigner without data, in a process of its own (`ternion witness`).
//!
//! It speaks C2SP [tlog-witness](https://c2sp.org/tlog-witness): it is sent checkpoints with proofs
//! that they extend the last one, and signs those. What it must never do is sign two histories of
//! one log, so a head is durable before its signature leaves. It holds no entries, asks nobody
//! anything, and needs no database.

mod config;
mod face;
mod memory;

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use domain::epoch::{Applied, EpochError, Register, SignedEpoch};
use domain::key::{NoteAlgorithm, NoteKey, PublicKey, SigningKey};
use domain::log::{Checkpoint, Hash, Head, LogId};
use domain::note::{Note, SignatureLine};
use domain::quorum::Signer;
use domain::witness::{Refusal, Submission, judge};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use config::{WitnessConfig, WitnessConfigError};
pub(crate) use face::ADD_EPOCH_PATH;
pub use memory::MemoryError;

use crate::config::Limits;
use crate::keys::{KeyError, load_or_make_cosigner};
use crate::node::serve::{Gate, serve};
use memory::Memory;

/// Why the witness does not run.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error("a kept epoch record does not hold under the keys of the configuration: {0}")]
    Epochs(#[from] EpochError),
    #[error(
        "the configuration pins the genesis {pinned}, but its deployment name, mode and keys come to \
         {genesis}: one of them is not what the deployment began with"
    )]
    Genesis { pinned: Hash, genesis: Hash },
    #[error("cannot listen on {at}: {cause}")]
    Listen { at: std::net::SocketAddr, cause: io::Error },
}

/// Why a checkpoint is not signed.
#[derive(Debug, thiserror::Error)]
enum NotSigned {
    #[error("{0}")]
    Malformed(String),
    #[error("this log is not one of the deployment's, or its epoch is not known here yet")]
    UnknownLog,
    #[error("no signature of the log's key holds under the checkpoint")]
    NotTheLogs,
    #[error("the log ends at {0} entries")]
    Closed(u64),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("what would be signed cannot be written down: {0}")]
    Memory(#[from] MemoryError),
}

/// One deployment's witness.
#[derive(Debug)]
struct Witness {
    key: SigningKey,
    vkey: NoteKey,
    /// One submission at a time: two must not both extend one head.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    register: Register,
    memory: Memory,
}

/// This witness's public key; made where there is none yet.
///
/// # Errors
/// The key cannot be read or made.
pub fn public_key(config: &WitnessConfig) -> Result<PublicKey, WitnessError> {
    Ok(key_of(config)?.public())
}

/// With a new key begins a new memory. A key without one has forgotten what it signed.
fn key_of(config: &WitnessConfig) -> Result<SigningKey, WitnessError> {
    if !config.key_folder().exists() {
        Memory::begin(&config.data)?;
    }
    Ok(load_or_make_cosigner(&config.key_folder())?)
}

/// Serves until `stop`.
///
/// # Errors
/// Keys, folder or address cannot be used.
pub async fn run(config: &WitnessConfig, stop: CancellationToken) -> Result<(), WitnessError> {
    let witness = Arc::new(Witness::open(config)?);
    let at = config.listen;
    let listener = TcpListener::bind(at).await;
    let listener = listener.map_err(|cause| WitnessError::Listen { at, cause })?;
    tracing::info!(%at, key = %witness.vkey, "the witness is up");
    let gate = Gate::of(&Limits { requests: 64, waiters: 0, streams: 0, ..Limits::default() });
    serve(vec![listener], &face::routes(witness), &gate, &stop).await;
    Ok(())
}

impl Witness {
    fn open(config: &WitnessConfig) -> Result<Self, WitnessError> {
        let key = key_of(config)?;
        let genesis = config.genesis_with(key.public());
        if let Some(pinned) = config.genesis.filter(|pinned| *pinned != genesis.hash()) {
            return Err(WitnessError::Genesis { pinned, genesis: genesis.hash() });
        }
        let mut register = Register::new(genesis);
        let name = register.cosigner_name(Signer::Witness);
        let vkey = NoteKey::new(&name, NoteAlgorithm::CosignatureV1, key.public());
        let vkey = vkey.map_err(|cause| MemoryError::of_name(&name, &cause))?;
        let memory = Memory::open(&config.data, &vkey)?;
        for signed in memory.epochs() {
            register.apply(signed.clone())?;
        }
        Ok(Witness { key, vkey, state: Mutex::new(State { register, memory }) })
    }

    /// The cosignature line for a submitted checkpoint.
    async fn add_checkpoint(&self, submission: &Submission) -> Result<String, NotSigned> {
        let note = Note::parse(&submission.note).map_err(malformed)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(malformed)?;
        let mut state = self.state.lock().await;
        let (log, origins) = signed_by_origin(&state.register, &note, &checkpoint)?;
        let head = checkpoint.head;
        let signed = state.memory.head(log);
        if signed.size == head.size && signed.root != head.root {
            tracing::warn!(%log, size = head.size, "asked to sign another history of this log");
        }
        judge(signed, submission.old_size, &submission.proof, head)?;
        if signed == head
            && head.size > 0
            && let Some(line) = state.memory.line(log)
        {
            return Ok(line); // asked once more
        }
        let unix_s = u64::try_from(crate::now().unix_ms() / 1000).unwrap_or(0);
        let line = SignatureLine::cosign(&note.text, unix_s, &self.vkey, &self.key).to_string();
        let kept = format!("{}\n{origins}{line}", note.text);
        state.memory.keep(log, head, &line, &kept)?;
        Ok(line)
    }

    /// Takes in a record by which an epoch begins; it is verified by itself.
    async fn add_epoch(&self, signed: SignedEpoch) -> Result<(), String> {
        let mut state = self.state.lock().await;
        let mut register = state.register.clone();
        let applied = register.apply(signed).map_err(|cause| cause.to_string())?;
        if applied == Applied::Known {
            return Ok(()); // nothing to write down, however often it is said
        }
        let records: Vec<SignedEpoch> = register.records().cloned().collect();
        state.memory.keep_epochs(records).map_err(|cause| cause.to_string())?;
        state.register = register;
        Ok(())
    }

    /// The last note that was signed of a log.
    async fn note(&self, log: LogId) -> Option<String> {
        self.state.lock().await.memory.note(log)
    }

    async fn heads(&self) -> Vec<(LogId, Head)> {
        self.state.lock().await.memory.heads()
    }
}

fn malformed(cause: impl std::fmt::Display) -> NotSigned {
    NotSigned::Malformed(cause.to_string())
}

/// The log that a checkpoint is of, and the lines of the log's origin that hold under it.
fn signed_by_origin(
    register: &Register,
    note: &Note,
    checkpoint: &Checkpoint,
) -> Result<(LogId, String), NotSigned> {
    let (deployment, log) = LogId::of_name(&checkpoint.origin).ok_or(NotSigned::UnknownLog)?;
    let log_key = register.log_key(log).filter(|_| deployment == register.deployment());
    let log_key = log_key.ok_or(NotSigned::UnknownLog)?;
    if !note.check(&log_key).is_valid() {
        return Err(NotSigned::NotTheLogs);
    }
    let head = checkpoint.head;
    if let Some(closing) = register.closing(log).filter(|closing| head.size > closing.size) {
        return Err(NotSigned::Closed(closing.size));
    }
    let cosigners = register.cosigner_keys(log.origin.into(), log, head);
    let mut lines = String::new();
    for key in std::iter::once(&log_key).chain(&cosigners) {
        let line = note.line_of(key).filter(|_| note.check(key).is_valid());
        line.into_iter().for_each(|line| {
            let _ = write!(lines, "{line}"); // a String takes everything
        });
    }
    Ok((log, lines))
}
