//! Our formats read by a program of others: notes and tiles by Cloudflare's implementation of C2SP
//! signed-note and tlog-tiles, which knows nothing of ours.

use std::collections::HashMap;

use serde_json::{Value, json};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{
    Checkpoint, Error, HashReader, Tile, TileHashReader, TileReader, check_record, check_tree,
    prove_record, prove_tree, record_hash, tree_hash,
};

use super::house::House;

const TILE_HEIGHT: u8 = 8;

/// The tiles of a tree, as they were downloaded.
struct Downloaded(HashMap<Tile, Vec<u8>>);

impl TileReader for Downloaded {
    fn height(&self) -> u8 {
        TILE_HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| self.0.get(tile).cloned().ok_or(Error::InvalidTile);
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

/// Every tile of a tree of that size, over our public face.
async fn download(house: &House, size: u64) -> Downloaded {
    let mut tiles = HashMap::new();
    for tile in Tile::new_tiles(TILE_HEIGHT, 0, size) {
        // C2SP tiles have one height, so it is not part of their path.
        let path = tile.path().replacen("tile/8/", "tile/", 1);
        let answer = house.get(&format!("/v1/logs/gcp/1/{path}"), "").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        tiles.insert(tile, answer.body);
    }
    Downloaded(tiles)
}

/// The checkpoint's text, if the log's key from the policy file has signed it.
async fn signed_text(house: &House) -> Vec<u8> {
    let policy = house.get("/v1/policy-file", "").await.text();
    let mut lines = policy.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let of_log = lines.find(|words| words[0] == "log" && words[1].contains("/gcp/1+"));
    let verifier = StandardVerifier::new(of_log.expect("the log's line")[1]).expect("a vkey");
    let note = house.get("/v1/logs/gcp/1/checkpoint", "").await;
    let note = Note::from_bytes(&note.body).expect("a signed note");
    let (verified, others) =
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).expect("signed by the log");
    assert_eq!(verified.len(), 1);
    assert!(others.len() >= 2, "the cosignatures stand beside");
    note.text().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn anothers_program_verifies_checkpoint_tiles_entries_and_growth() {
    let house = House::open().await;
    let events: Vec<Value> =
        (0..600).map(|n| json!({"tenantId": "platform", "payload": {"n": n}})).collect();
    house
        .post("/v1/events?wait=final&timeoutMs=30000", "demo-ingest", &json!(events))
        .await
        .expect(200);
    let checkpoint = Checkpoint::from_bytes(&signed_text(&house).await).expect("a checkpoint");
    let (size, root) = (checkpoint.size(), *checkpoint.hash());
    assert!(size > 600 && checkpoint.origin().ends_with("/gcp/1"));
    let tiles = download(&house, size).await;
    let reader = TileHashReader::new(size, root, &tiles);
    // The reader believes a tile only where it leads to the signed root.
    for at in [0, 255, 256, 511, size - 1] {
        let slot = domain::event::Slot::parse(&format!("gcp/1/{at}")).expect("a slot");
        let stored = house.gcp.ledger.at(slot).await.expect("readable").expect("stored");
        let mut entry = vec![1]; // gcp
        entry.extend_from_slice(&1_u32.to_be_bytes());
        entry.extend_from_slice(&at.to_be_bytes());
        entry.extend_from_slice(&stored.hash.0);
        let proof = prove_record(size, at, &reader).expect("a proof from our tiles");
        check_record(&proof, size, root, at, record_hash(&entry)).expect("the entry is in the log");
        let other = record_hash(b"another entry");
        assert!(check_record(&proof, size, root, at, other).is_err());
    }
    let earlier = tree_hash(300, &reader).expect("the tree as it was");
    let growth = prove_tree(size, 300, &reader).expect("a proof from our tiles");
    check_tree(&growth, size, root, 300, earlier).expect("the log only grew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_tile_is_refused_by_anothers_program() {
    let house = House::open().await;
    let checkpoint = Checkpoint::from_bytes(&signed_text(&house).await).expect("a checkpoint");
    let mut tiles = download(&house, checkpoint.size()).await;
    tiles.0.values_mut().for_each(|tile| tile[0] ^= 1);
    let reader = TileHashReader::new(checkpoint.size(), *checkpoint.hash(), &tiles);
    assert!(reader.read_hashes(&[0]).is_err());
}
