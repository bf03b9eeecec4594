//! Votes and decisions in Postgres: a vote is one statement, durable before it is told.

use std::sync::Arc;

use domain::clock::Timestamp;
use domain::cloud::Cloud;
use domain::grant::{Acceptor, Decision, GrantId, Resource, SignedVote, Value, Version, Voters};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row as _};
use time::OffsetDateTime;

use crate::ledger::Ledger;

/// The advisory lock of those who add decisions ("grnt" in ASCII): positions are seen in order.
const POSITION_LOCK: i64 = 0x6772_6e74;
/// Events to be recorded at a time.
const UNRECORDED_MAX: i64 = 100;

#[derive(Clone, Debug)]
pub(super) struct Store {
    pub(super) me: Cloud,
    pub(super) pool: PgPool,
    /// Knows who may vote.
    pub(super) ledger: Arc<Ledger>,
}

/// What this cloud has said about a grant so far, and what it knows.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) decision: Option<Decision>,
    pub(super) acceptor: Acceptor<SignedVote>,
    /// The value of the newest accept.
    pub(super) accepted: Option<Value>,
    /// How many votes this cloud has cast.
    pub(super) cast: i64,
}

/// A decision as this cloud lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub decision: Decision,
    /// When this cloud came to know it.
    pub learnt_at: Timestamp,
    /// Its place in the order in which this cloud came to know decisions.
    pub position: u64,
}

/// What became of a decision that was to be kept.
#[derive(Debug)]
pub(super) enum Kept {
    New,
    Known,
    /// Another value is known as the winner: this one was not kept as such.
    Conflict(Decision),
}

impl Store {
    fn voters(&self) -> Voters {
        Voters::of_register(&self.ledger.register())
    }

    pub(super) async fn standing(&self, grant: &GrantId) -> Result<Standing, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT DISTINCT ON (accepts) number, accepts, note, value FROM grant_vote \
             WHERE resource = $1 AND version = $2 ORDER BY accepts, number DESC",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .fetch_all(&self.pool)
        .await?;
        let (mut promise, mut accept, mut accepted, mut cast) = (None, None, None, 0);
        for row in rows {
            let note: String = row.try_get("note")?;
            let vote = self.voters().own_vote(self.me, &note).ok_or_else(|| damaged(grant))?;
            cast = row.try_get::<i64, _>("number")?.max(cast);
            if row.try_get("accepts")? {
                (accept, accepted) = (Some(vote), Some(read_value(&row, grant)?));
            } else {
                promise = Some(vote);
            }
        }
        let (predecessor_decided, decision) = self.decided_with_predecessor(grant).await?;
        let (me, grant) = (self.me, grant.clone());
        let acceptor = Acceptor { me, grant, promise, accept, predecessor_decided };
        Ok(Standing { decision, acceptor, accepted, cast })
    }

    /// Is the version before decided, and what is this one?
    async fn decided_with_predecessor(
        &self,
        grant: &GrantId,
    ) -> Result<(bool, Option<Decision>), sqlx::Error> {
        let rows = sqlx::query(
            "SELECT version, value, note FROM grant_decision \
             WHERE resource = $1 AND version IN ($2 - 1, $2) ORDER BY version",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .fetch_all(&self.pool)
        .await?;
        let (mut predecessor_decided, mut decision) = (false, None);
        for row in rows {
            if row.try_get::<i64, _>("version")? == version(grant) {
                decision = Some(self.read_decision(&row)?);
            } else {
                predecessor_decided = true;
            }
        }
        Ok((predecessor_decided, decision))
    }

    /// Makes a vote durable as the next after `cast` others. False: another came first.
    pub(super) async fn cast(
        &self,
        cast: i64,
        vote: &SignedVote,
        accept: Option<(&Value, &[SignedVote])>,
    ) -> Result<bool, sqlx::Error> {
        let grant = &vote.vote().grant;
        let promises = accept.map(|(_, promises)| promises.iter().map(SignedVote::note));
        let inserted = sqlx::query(
            "INSERT INTO grant_vote \
                 (resource, version, number, accepts, note, value, promises, cast_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .bind(cast + 1)
        .bind(accept.is_some())
        .bind(vote.note())
        .bind(accept.map(|(value, _)| value.bytes().to_vec()))
        .bind(promises.map(Iterator::collect::<Vec<String>>))
        .bind(crate::now().to_datetime())
        .execute(&self.pool)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    pub(super) async fn decision(&self, grant: &GrantId) -> Result<Option<Decision>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT value, note FROM grant_decision WHERE resource = $1 AND version = $2",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| self.read_decision(&row)).transpose()
    }

    /// The greatest version that is known to be decided.
    pub(super) async fn latest(&self, of: &Resource) -> Result<Option<Decision>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT value, note FROM grant_decision WHERE resource = $1 \
             ORDER BY version DESC LIMIT 1",
        )
        .bind(of.to_string())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| self.read_decision(&row)).transpose()
    }

    /// Every decided version, in order.
    pub(super) async fn decisions(&self, of: &Resource) -> Result<Vec<Decision>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT value, note FROM grant_decision WHERE resource = $1 ORDER BY version",
        )
        .bind(of.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.read_decision(row)).collect()
    }

    /// Decisions in the order of learning, newest first, below `before` if given.
    pub(super) async fn page(
        &self,
        of: Option<&Resource>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Listed>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT value, note, learnt_at, position FROM grant_decision \
             WHERE ($1::text IS NULL OR resource = $1) AND position < $2 \
             ORDER BY position DESC LIMIT $3",
        )
        .bind(of.map(Resource::to_string))
        .bind(before.map_or(i64::MAX, signed))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.read_listed(row)).collect()
    }

    /// Decisions in the order of learning, oldest first, above `after`.
    pub(super) async fn since(&self, after: u64, limit: usize) -> Result<Vec<Listed>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT value, note, learnt_at, position FROM grant_decision \
             WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(signed(after))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.read_listed(row)).collect()
    }

    pub(super) async fn newest_position(&self) -> Result<u64, sqlx::Error> {
        let newest: i64 =
            sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM grant_decision")
                .fetch_one(&self.pool)
                .await?;
        Ok(newest.unsigned_abs())
    }

    /// Keeps a verified decision, once.
    pub(super) async fn keep(&self, decision: &Decision) -> Result<Kept, sqlx::Error> {
        let grant = decision.grant();
        let inserted = sqlx::query(
            "WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($7)) \
             INSERT INTO grant_decision \
                 (resource, version, value, note, proposer, learnt_at, position) \
             SELECT $1, $2, $3, $4, $5, $6, nextval('grant_position') FROM turn \
             ON CONFLICT DO NOTHING",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .bind(decision.value().bytes())
        .bind(decision.note())
        .bind(i16::from(decision.ballot().cloud().code()))
        .bind(crate::now().to_datetime())
        .bind(POSITION_LOCK)
        .execute(&self.pool)
        .await?;
        if inserted.rows_affected() == 1 {
            return Ok(Kept::New);
        }
        match self.decision(grant).await? {
            Some(known) if known.value() != decision.value() => {
                self.keep_conflict(decision).await?;
                Ok(Kept::Conflict(known))
            }
            _ => Ok(Kept::Known),
        }
    }

    async fn keep_conflict(&self, decision: &Decision) -> Result<(), sqlx::Error> {
        let grant = decision.grant();
        sqlx::query(
            "INSERT INTO grant_conflict (resource, version, hash, value, note, learnt_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .bind(decision.value().hash().0.as_slice())
        .bind(decision.value().bytes())
        .bind(decision.note())
        .bind(crate::now().to_datetime())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Decisions whose event is not known to be in the ledger: those under our ballots, and those
    /// of others that we learnt of before `learnt_before`.
    pub(super) async fn unrecorded(
        &self,
        learnt_before: Timestamp,
    ) -> Result<Vec<Decision>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT value, note FROM grant_decision \
             WHERE NOT recorded AND (proposer = $1 OR learnt_at < $2) ORDER BY position LIMIT $3",
        )
        .bind(i16::from(self.me.code()))
        .bind(learnt_before.to_datetime())
        .bind(UNRECORDED_MAX)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| self.read_decision(row)).collect()
    }

    pub(super) async fn set_recorded(&self, grant: &GrantId) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE grant_decision SET recorded = true WHERE resource = $1 AND version = $2",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Grants on which this cloud has voted without knowing a decision.
    pub(super) async fn open_after(
        &self,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<GrantId>, sqlx::Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT DISTINCT resource, version FROM grant_vote AS vote \
             WHERE (resource, version) > ($1, $2) AND NOT EXISTS (SELECT 1 FROM grant_decision \
                 WHERE resource = vote.resource AND version = vote.version) \
             ORDER BY resource, version LIMIT $3",
        )
        .bind(after.map(|grant| grant.resource.to_string()).unwrap_or_default())
        .bind(after.map_or(0, version))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        let read = |(resource, number): (String, i64)| {
            let resource =
                resource.parse().map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?;
            let version = Version::new(number.unsigned_abs());
            let version = version.map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?;
            Ok(GrantId { resource, version })
        };
        rows.into_iter().map(read).collect()
    }

    /// From now on these grants are left to the others.
    pub(super) async fn leave(&self, grants: &[GrantId]) -> Result<(), sqlx::Error> {
        let resources: Vec<String> = grants.iter().map(|one| one.resource.to_string()).collect();
        let versions: Vec<i64> = grants.iter().map(version).collect();
        sqlx::query(
            "INSERT INTO grant_left (resource, version) \
             SELECT * FROM unnest($1::text[], $2::bigint[]) ON CONFLICT DO NOTHING",
        )
        .bind(resources)
        .bind(versions)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    pub(super) async fn is_left(&self, grant: &GrantId) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM grant_left WHERE resource = $1 AND version = $2)",
        )
        .bind(grant.resource.to_string())
        .bind(version(grant))
        .fetch_one(&self.pool)
        .await
    }

    pub(super) async fn has_returned(&self, epoch: u32) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM grant_return WHERE epoch = $1)")
            .bind(i64::from(epoch))
            .fetch_one(&self.pool)
            .await
    }

    pub(super) async fn set_returned(&self, epoch: u32) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO grant_return (epoch, at) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(i64::from(epoch))
            .bind(crate::now().to_datetime())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// How far this cloud has learnt what `peer` knows.
    pub(super) async fn heard(&self, peer: Cloud) -> Result<u64, sqlx::Error> {
        let position: Option<i64> =
            sqlx::query_scalar("SELECT position FROM grant_peer WHERE cloud = $1")
                .bind(i16::from(peer.code()))
                .fetch_optional(&self.pool)
                .await?;
        Ok(position.unwrap_or(0).unsigned_abs())
    }

    pub(super) async fn set_heard(&self, peer: Cloud, position: u64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO grant_peer (cloud, position) VALUES ($1, $2) \
             ON CONFLICT (cloud) DO UPDATE SET position = excluded.position",
        )
        .bind(i16::from(peer.code()))
        .bind(signed(position))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    fn read_listed(&self, row: &PgRow) -> Result<Listed, sqlx::Error> {
        let learnt_at: OffsetDateTime = row.try_get("learnt_at")?;
        let position: i64 = row.try_get("position")?;
        Ok(Listed {
            decision: self.read_decision(row)?,
            learnt_at: Timestamp::from_datetime(learnt_at),
            position: position.unsigned_abs(),
        })
    }

    fn read_decision(&self, row: &PgRow) -> Result<Decision, sqlx::Error> {
        let note: String = row.try_get("note")?;
        let bytes: Vec<u8> = row.try_get("value")?;
        let value = Value::from_canonical(&bytes).ok_or_else(|| unreadable("value"))?;
        let decision = self.voters().stored_decision(value, &note);
        decision.map_err(|cause| sqlx::Error::Decode(cause.into()))
    }
}

fn read_value(row: &PgRow, grant: &GrantId) -> Result<Value, sqlx::Error> {
    let bytes: Vec<u8> = row.try_get("value")?;
    Value::from_canonical(&bytes).ok_or_else(|| damaged(grant))
}

/// Without its own votes a cloud must not vote: it might vote twice.
fn damaged(grant: &GrantId) -> sqlx::Error {
    sqlx::Error::Decode(
        format!("a vote on {grant} is damaged; this cloud cannot vote there").into(),
    )
}

fn unreadable(column: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("grant_decision.{column} holds no canonical object").into())
}

/// Versions end at 2^53.
fn version(grant: &GrantId) -> i64 {
    signed(grant.version.number())
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
