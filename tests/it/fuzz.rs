//! The fuzz targets' corpus, read in every run: what once was found stays found. What lies near
//! it, and any bytes at all, are read as well.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::Index;

use crate::squall::root;

#[path = "../fuzz/readers.rs"]
mod readers;

/// The kept inputs of every reader, by their names.
static CORPUS: LazyLock<Vec<Vec<Kept>>> =
    LazyLock::new(|| readers::ALL.iter().map(|(name, _)| kept(name)).collect());

/// An input, and the path of its file.
type Kept = (String, Vec<u8>);

fn kept(name: &str) -> Vec<Kept> {
    let corpus = root().join("tests/fuzz/corpus").join(name);
    let files = fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut kept: Vec<_> = files
        .map(|file| file.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    kept.sort();
    kept
}

#[test]
fn what_was_kept_of_fuzzing_is_read() {
    for ((name, reader), corpus) in readers::ALL.iter().zip(&*CORPUS) {
        assert!((10..100).contains(&corpus.len()), "{name}: {} files", corpus.len());
        for (path, bytes) in corpus {
            // Should it panic, this line says where.
            eprintln!("{path}");
            reader(bytes);
        }
    }
}

#[test]
fn every_reader_is_a_target() {
    let mut targets: Vec<_> = fs::read_dir(root().join("tests/fuzz/fuzz_targets"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    targets.sort();
    let mut readers = readers::ALL.map(|(name, _)| name);
    readers.sort_unstable();
    assert_eq!(targets, readers);
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for (_, reader) in readers::ALL {
            reader(&bytes);
        }
    }

    #[test]
    fn nothing_near_what_was_kept_is_too_odd(
        which in any::<Index>(),
        from in any::<Index>(),
        length in 0..8_usize,
        put in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        for ((_, reader), corpus) in readers::ALL.iter().zip(&*CORPUS) {
            let mut bytes = which.get(corpus).1.clone();
            let from = from.index(bytes.len() + 1);
            let to = (from + length).min(bytes.len());
            bytes.splice(from..to, put.iter().copied());
            reader(&bytes);
        }
    }
}
