//! A cloud whose current keys are lost: the next epoch is prepared while the node stands still,
//! since without its keys it cannot start.

use domain::cloud::Cloud;
use domain::epoch::{Cosigned, EPOCH_FORMAT, EpochRecord, Reason, Register};
use domain::log::{Head, LogId};
use domain::quorum::{Replica, Standing};
use sqlx::PgPool;

use super::super::store::Store;
use super::super::{StartError, tree};
use super::EpochStore;
use crate::keys::{KeyError, Keyring, Roster};

/// Nothing was prepared.
#[derive(Debug, thiserror::Error)]
pub enum LostError {
    #[error(
        "the keys of {0} are here. Nothing is lost: start the node, and begin a new epoch with \
         `ternion epoch begin`"
    )]
    Held(LogId),
    #[error("{0} is prepared already and waits for its approvals: start the node")]
    Prepared(LogId),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the new keys cannot be made: {0}")]
    Keys(#[from] KeyError),
    #[error("the database cannot be read: {0}")]
    Database(#[from] sqlx::Error),
}

/// Makes the keys of the next epoch and gives this cloud's word for its record. The node begins it
/// when it is started; it holds when people at both other clouds have agreed.
///
/// # Errors
/// The keys are not lost, or the record cannot be made.
pub async fn replace_lost_keys(
    pool: &PgPool,
    roster: &Roster,
    keys: &Keyring,
    me: Cloud,
) -> Result<EpochRecord, LostError> {
    let (register, proposed) = super::load(pool, roster.genesis(), Some(me)).await?;
    if let Some(proposed) = proposed {
        return Err(LostError::Prepared(proposed.begins()));
    }
    let old = register.current(me);
    if keys.pair(old.epoch).is_some() {
        return Err(LostError::Held(old));
    }
    let mut cosigned = Vec::new();
    for peer in me.peers() {
        let log = register.current(peer);
        cosigned.push(Cosigned { log, head: held(pool, &register, me, log).await?.0 });
    }
    let closing = end_of(pool, &register, me, old).await?;
    let next = LogId { epoch: old.epoch + 1, ..old };
    let record = EpochRecord {
        format: EPOCH_FORMAT.to_owned(),
        genesis: register.genesis_hash(),
        origin: me,
        epoch: next.epoch,
        mode: register.genesis().mode,
        keys: keys.make(next.epoch)?.public(),
        closing,
        cosigned,
        reason: Reason::KeyLost,
        gone: None,
        stated_at: crate::now(),
    };
    register.check(&record).map_err(StartError::from)?;
    EpochStore(pool.clone()).vote(&record).await?;
    Ok(record)
}

/// What is stored of a log, and its final size, if there is evidence against it.
async fn held(
    pool: &PgPool,
    register: &Register,
    me: Cloud,
    log: LogId,
) -> Result<(Head, Option<u64>), StartError> {
    let durable = Store::new(pool.clone(), log).open().await?;
    let (head, frozen) = (durable.appender.head(), durable.frozen);
    let mode = register.epoch(log).map_or_else(Default::default, |epoch| epoch.mode);
    let standing = Standing { mode, closing: register.closing(log), frozen, recovering: false };
    let replica = Replica::resume(log, me, standing, durable.appender, &durable.signed);
    Ok((head, frozen.then(|| replica.final_size())))
}

/// Where the old log ends: where it stands, since others may hold all of it. Of a log that they do
/// not follow any more, at the last entry that is final; what lies beyond is recorded again.
async fn end_of(
    pool: &PgPool,
    register: &Register,
    me: Cloud,
    old: LogId,
) -> Result<Head, StartError> {
    let (head, last_final) = held(pool, register, me, old).await?;
    let Some(size) = last_final else { return Ok(head) };
    if size == 0 {
        return Ok(Head::empty());
    }
    let what = || format!("entries below {size} are missing; run `ternion fsck`");
    let root = tree::root_at(pool, old, size).await?;
    let root = root.ok_or_else(|| StartError::Damaged { log: old, what: what() })?;
    Ok(Head { size, root })
}
