//! Nonces that describe themselves: whose question it is in whose answer one turns up, without a
//! table of what was asked.
//!
//! ```text
//! zq 0000 000 0000 0000000   marker, user (20 bits), session (12), call (16), check (32): 16
//!                            digits of five bits, and Crockford's alphabet in lower case
//! ```
//! The check is keyed with the run's seed: what only looks like a nonce, or is from a run of another
//! seed, is none.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::chance::mix;

/// What every nonce begins with: hardly any text has these two letters together.
const MARKER: &[u8; 2] = b"zq";
/// Digits after the marker.
const DIGITS: usize = 16;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const USER_BITS: u32 = 20;
const SESSION_BITS: u32 = 12;
const CALL_BITS: u32 = 16;
const CHECK_BITS: u32 = 32;

/// Bytes of a nonce.
pub const LENGTH: usize = MARKER.len() + DIGITS;
/// Where a nonce is to be: [`Nonce::stamp`] writes over it.
pub const PLACE: &[u8; LENGTH] = b"zq0000000000000000";

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARKER));

/// One call, as its arguments tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nonce {
    seed: u64,
    user: u32,
    session: u16,
    call: u16,
}

/// What an answer tells of whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// It is the call's own.
    Own,
    /// It has what another call asked, and nothing of its own.
    OtherCall(Nonce),
    /// It has what the same user asked in another session, and nothing of its own.
    OtherSession(Nonce),
    /// It has what another user asked.
    OtherUser(Nonce),
}

impl Nonce {
    /// The nonce of a call: `session` tells the user's sessions apart, `variation` the session's
    /// calls.
    pub const fn new(seed: u64, user: u32, session: u16, variation: u64) -> Self {
        let folded = variation ^ (variation >> 32);
        Self {
            seed,
            user: user & mask(USER_BITS),
            session: session & mask(SESSION_BITS) as u16,
            call: (folded ^ (folded >> 16)) as u16,
        }
    }

    /// Writes itself over every [`PLACE`] in a request; whether there is one.
    pub fn stamp(self, request: &mut [u8]) -> bool {
        let mut from = 0;
        let mut is_there = false;
        while let Some(at) = request.get(from..).and_then(|rest| FINDER.find(rest)) {
            let begin = from + at;
            let Some(place) = request.get_mut(begin..begin + LENGTH) else { break };
            if place == PLACE {
                self.write(place);
                is_there = true;
            }
            from = begin + MARKER.len();
        }
        is_there
    }

    /// What an answer to this call tells. Other users' questions in it are never right; other
    /// calls' of the same user may stand beside its own, as where a server shows what was asked
    /// before.
    pub fn heard(self, answer: &[u8]) -> Told {
        let mut told = Told::Nothing;
        for at in FINDER.find_iter(answer) {
            let Some(found) = Self::read(self.seed, &answer[at..]) else { continue };
            told = match told {
                _ if found.user != self.user => return Told::OtherUser(found),
                _ if found == self => Told::Own,
                Told::Nothing if found.session != self.session => Told::OtherSession(found),
                Told::Nothing => Told::OtherCall(found),
                known => known,
            };
        }
        told
    }

    /// The user it is of.
    pub const fn user(self) -> u32 {
        self.user
    }

    fn write(self, out: &mut [u8]) {
        out[..MARKER.len()].copy_from_slice(MARKER);
        let mut bits = self.bits();
        for digit in out[MARKER.len()..].iter_mut().rev() {
            *digit = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
    }

    /// The nonce that these bytes begin with.
    fn read(seed: u64, bytes: &[u8]) -> Option<Self> {
        let digits = bytes.get(MARKER.len()..LENGTH)?;
        let mut bits = 0_u128;
        for digit in digits {
            bits = bits << 5 | u128::from(value(*digit)?);
        }
        let part = |from: u32, width: u32| (bits >> from) as u32 & mask(width);
        let found = Self {
            seed,
            user: part(CHECK_BITS + CALL_BITS + SESSION_BITS, USER_BITS),
            session: part(CHECK_BITS + CALL_BITS, SESSION_BITS) as u16,
            call: part(CHECK_BITS, CALL_BITS) as u16,
        };
        (part(0, CHECK_BITS) == found.check()).then_some(found)
    }

    const fn bits(self) -> u128 {
        (self.body() as u128) << CHECK_BITS | self.check() as u128
    }

    const fn body(self) -> u64 {
        ((self.user as u64) << SESSION_BITS | self.session as u64) << CALL_BITS | self.call as u64
    }

    /// Every bit of what it says, and of the seed, has its part in each bit of the check.
    const fn check(self) -> u32 {
        (mix(mix(self.seed) ^ self.body()) >> 32) as u32
    }
}

/// What tells a user's sessions apart: the id that the server issued, folded.
pub fn session_tag(id: Option<&str>) -> u16 {
    let step = |hash: u64, byte: u8| mix(hash ^ u64::from(byte));
    id.map_or(0, |id| id.bytes().fold(1, step) as u16 & mask(SESSION_BITS) as u16)
}

const fn mask(bits: u32) -> u32 {
    u32::MAX >> (32 - bits)
}

/// What a digit counts; `None`: it is none.
fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'h' => Some(digit - b'a' + 10),
        b'j' | b'k' => Some(digit - b'j' + 18),
        b'm' | b'n' => Some(digit - b'm' + 20),
        b'p'..=b't' => Some(digit - b'p' + 22),
        b'v'..=b'z' => Some(digit - b'v' + 27),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SEED: u64 = 7;

    fn text(nonce: Nonce) -> String {
        let mut text = PLACE.to_vec();
        assert!(nonce.stamp(&mut text));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_digit_has_its_value() {
        for (at, digit) in ALPHABET.iter().enumerate() {
            assert_eq!(value(*digit), Some(at as u8));
        }
        assert!(b"ilou-{ ".iter().all(|digit| value(*digit).is_none()));
    }

    #[test]
    fn an_answer_tells_whose_it_is() {
        let own = Nonce::new(SEED, 5, 9, 1);
        let (call, session, user) =
            (Nonce::new(SEED, 5, 9, 2), Nonce::new(SEED, 5, 8, 3), Nonce::new(SEED, 6, 9, 1));
        let heard = |nonces: &[Nonce]| {
            let words: Vec<_> = nonces.iter().map(|nonce| text(*nonce)).collect();
            own.heard(format!("zq results for: {}", words.join(", zqa ")).as_bytes())
        };
        assert_eq!(heard(&[]), Told::Nothing);
        assert_eq!(heard(&[own]), Told::Own);
        assert_eq!(heard(&[call]), Told::OtherCall(call));
        assert_eq!(heard(&[session]), Told::OtherSession(session));
        assert_eq!(heard(&[user]), Told::OtherUser(user));
        assert_eq!(heard(&[call, own, session]), Told::Own, "its own past is nobody else's");
        assert_eq!(heard(&[own, user]), Told::OtherUser(user), "whatever else is there");
    }

    #[test]
    fn what_is_from_another_seed_is_none_and_neither_is_a_place_that_was_left() {
        let nonce = Nonce::new(SEED, 1, 2, 3);
        assert_eq!(Nonce::new(SEED + 1, 1, 2, 3).heard(text(nonce).as_bytes()), Told::Nothing);
        assert_eq!(nonce.heard(PLACE), Told::Nothing);
    }

    #[test]
    fn sessions_are_told_apart() {
        assert_eq!(session_tag(None), 0);
        assert_ne!(session_tag(Some("a")), session_tag(Some("b")));
        assert_eq!(session_tag(Some("a")), session_tag(Some("a")));
    }

    proptest! {
        #[test]
        fn a_nonce_comes_back_as_it_went(seed: u64, user: u32, session: u16, variation: u64) {
            let nonce = Nonce::new(seed, user, session, variation);
            let mut request = [b"{\"q\":\"zq ", &PLACE[..], b"\",\"p\":\"", PLACE, b"\"}"].concat();
            prop_assert!(nonce.stamp(&mut request));
            prop_assert_eq!(nonce.heard(&request), Told::Own);
            prop_assert!(!nonce.stamp(&mut request));
        }

        #[test]
        fn no_bytes_break_it(mut answer: Vec<u8>, at: usize) {
            let nonce = Nonce::new(SEED, 1, 1, 1);
            answer.splice(at % (answer.len() + 1)..at % (answer.len() + 1), *b"zq0");
            nonce.heard(&answer);
            nonce.stamp(&mut answer);
        }
    }
}
