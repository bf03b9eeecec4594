-- Epochs: whose keys count from when to when, logs against which there is evidence, and the
-- witness as a fourth signer.

-- 4 is the witness (domain::quorum::Signer::code).
ALTER TABLE ledger_signature DROP CONSTRAINT ledger_signature_signer_check;
ALTER TABLE ledger_signature ADD CONSTRAINT ledger_signature_signer_check
    CHECK (signer BETWEEN 1 AND 4);

ALTER TABLE ledger_log
    -- There is evidence against the log: nothing more of it is signed here.
    ADD COLUMN frozen        boolean NOT NULL DEFAULT false,
    -- Entries that two clouds each certified on two branches: final here, and without effect.
    ADD COLUMN disputed_from bigint,
    ADD COLUMN disputed_to   bigint,
    ADD CONSTRAINT ledger_log_disputed CHECK ((disputed_from IS NULL) = (disputed_to IS NULL)
                                              AND disputed_from <= disputed_to);

-- The epoch records that hold, in the order in which they were applied. They are verified against
-- the pinned genesis whenever they are read.
CREATE TABLE ledger_epoch (
    serial   bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin   smallint NOT NULL CHECK (origin BETWEEN 1 AND 3),
    epoch    integer  NOT NULL CHECK (epoch > 1),
    -- domain::epoch::SignedEpoch. More approvals may come to be known.
    signed   text     NOT NULL,
    UNIQUE (origin, epoch)
);

-- The one record for each new epoch that this cloud has approved or, for its own, proposed. Never
-- replaced: two records for one epoch would fork the log.
CREATE TABLE ledger_epoch_vote (
    origin   smallint    NOT NULL CHECK (origin BETWEEN 1 AND 3),
    epoch    integer     NOT NULL CHECK (epoch > 1),
    -- domain::epoch::EpochRecord.
    record   text        NOT NULL,
    voted_at timestamptz NOT NULL,
    PRIMARY KEY (origin, epoch)
);

CREATE TRIGGER ledger_epoch_vote_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_epoch_vote
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- The disputed entries that the projections were derived without.
ALTER TABLE projection_position
    ADD COLUMN left_out_from bigint,
    ADD COLUMN left_out_to   bigint;
