//! Bands of latency for a heat map: four to each doubling, so that every band is 19% wide.
//!
//! Band `n` holds times from `2^(n/4)` up to `2^((n+1)/4)` microseconds: 1 us is in band 0, 1 ms
//! in band 39, 1 s in band 79, one hour in band 126. Times below 1 us count to band 0.

/// Bands in each doubling.
pub const PER_OCTAVE: u32 = 4;

/// The edges inside a doubling, as factors of its beginning: 2^(1/4), 2^(2/4), 2^(3/4).
const EDGES: [f64; 3] = [1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429];

/// The band of a time in microseconds.
pub fn of(us: u64) -> u16 {
    let us = us.max(1);
    let octave = us.ilog2();
    let part = us as f64 / (1u64 << octave) as f64;
    let edges = EDGES.into_iter().filter(|edge| part >= *edge).count();
    (octave * PER_OCTAVE) as u16 + edges as u16
}

/// Where a band begins, in microseconds; it ends where the next one begins.
pub fn begin(band: u16) -> f64 {
    2f64.powf(f64::from(band) / f64::from(PER_OCTAVE))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_bands() {
        let shown = [0, 1, 2, 1_000, 1_000_000, 3_600_000_000].map(of);
        assert_eq!(shown, [0, 0, 4, 39, 79, 126]);
    }

    proptest! {
        #[test]
        fn a_time_is_within_its_band(us in 1u64..4_000_000_000) {
            let band = of(us);
            let time = us as f64 * (1.0 + 1e-12);
            prop_assert!(begin(band) <= time && us as f64 * (1.0 - 1e-12) < begin(band + 1));
        }
    }
}
