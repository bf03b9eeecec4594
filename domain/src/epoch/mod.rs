//! Epochs: whose keys count from when to when, and by whose word they changed.
//!
//! A deployment begins with a [`Genesis`], which every cloud pins in its configuration. From then
//! on a cloud's keys change only by an [`EpochRecord`]: it closes the cloud's log at a head, names
//! the keys of the next one, and holds by the [`Approval`]s of two clouds. The [`Register`] is what
//! all records come to. Old keys stay verifiable for ever, up to where their epoch was closed.

mod genesis;
mod record;
mod register;

pub use genesis::{EpochKeys, Genesis};
pub use record::{
    Approval, COSIGNED_MAX, Cosigned, EPOCH_FORMAT, EpochRecord, Gone, Reason, SignedEpoch,
};
pub use register::{Applied, Epoch, EpochError, Register};
