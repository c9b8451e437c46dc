//! One direction of a connection with faults on it: bytes go in when they arrive and come out when
//! they are due. Pure: the time is told, and nothing is sent.
//!
//! ```text
//! offer(now, bytes) ─► [Latency] ─► [Bandwidth] ─► ... ─► queue ─► take(now): bytes, or until when
//! ```
//! Each chunk passes all stages at once, when it arrives, and leaves them as pieces that are due at
//! a time. So a latency counts from a chunk's arrival, however many are on their way, and takes
//! nothing of a bandwidth. Pieces never overtake each other.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::model::chance::Chance;
use crate::model::fault::{Effect, Ending};

/// Bytes on their way, at most: after that the sender has to wait.
const MOST_BYTES: usize = 256 * 1024;
/// A bandwidth lets bytes through in portions of this time.
const PORTION: Duration = Duration::from_millis(10);

/// An effect in force, by a number that tells it from others.
#[derive(Debug, Clone, PartialEq)]
pub struct InForce {
    /// The same for the same fault, below 64.
    pub id: u8,
    /// What it does.
    pub effect: Effect,
}

/// One direction of a connection.
#[derive(Debug)]
pub struct Lane {
    stages: Vec<Stage>,
    queue: VecDeque<Piece>,
    bytes: usize,
    chance: Chance,
    /// When the sender closed.
    closed: Option<Duration>,
    /// What comes after the queue, and nothing after that.
    end: Option<(Duration, End)>,
    touched: u64,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The first piece of the queue is due; [`Lane::front`] has it.
    Send,
    /// The other side is told that this one closed; the direction is done.
    Finish,
    /// The connection ends in this way, whatever the other direction does.
    End(Ending),
    /// Nothing until this time, unless something arrives or changes.
    Wait(Duration),
    /// Nothing, unless something arrives or changes.
    Idle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The sender closed.
    Finished,
    /// The fault of this number.
    By(u8, Ending),
}

#[derive(Debug)]
struct Stage {
    id: u8,
    effect: Effect,
    since: Duration,
    /// When the last piece left it.
    free: Duration,
    /// Bytes that it has seen.
    seen: u64,
}

#[derive(Debug)]
struct Piece {
    arrived: Duration,
    due: Duration,
    bytes: Bytes,
}

impl Lane {
    /// One without effects.
    pub const fn new(chance: Chance) -> Self {
        Self {
            stages: Vec::new(),
            queue: VecDeque::new(),
            bytes: 0,
            chance,
            closed: None,
            end: None,
            touched: 0,
        }
    }

    /// Whether more may be offered.
    pub fn has_room(&self) -> bool {
        self.bytes < MOST_BYTES && self.end.is_none()
    }

    /// Effects that did something here since this was asked last, a bit each by their number.
    pub const fn take_touched(&mut self) -> u64 {
        std::mem::replace(&mut self.touched, 0)
    }

    /// These effects are in force from `now` on, in this order. What is held up by one that is over
    /// comes as the others have it.
    pub fn change(&mut self, now: Duration, effects: &[InForce]) {
        let is_over = |stage: &Stage| !effects.iter().any(|now| stage.is(now));
        let is_freed = self.stages.iter().any(|stage| stage.holds_up() && is_over(stage));
        let mut before = std::mem::take(&mut self.stages);
        let stage = |effect: &InForce| match before.iter().position(|stage| stage.is(effect)) {
            Some(at) => before.swap_remove(at),
            None => Stage::new(effect, now),
        };
        self.stages = effects.iter().map(stage).collect();
        if is_freed {
            self.free(now);
        }
    }

    /// Times anew what is on its way.
    fn free(&mut self, now: Duration) {
        for stage in &mut self.stages {
            // What a line let through before is not known here, but that it is free now.
            stage.free =
                if matches!(stage.effect, Effect::Bandwidth(_)) { now } else { stage.since };
        }
        let waiting = std::mem::take(&mut self.queue);
        let end = self.end.take();
        self.bytes = 0;
        for Piece { arrived, bytes, .. } in waiting {
            let piece = Piece { arrived, due: arrived, bytes };
            self.enter(piece, Stage::delay_again);
        }
        for piece in &mut self.queue {
            piece.due = piece.due.max(now);
        }
        match (end, self.closed) {
            (Some((_, End::Finished)), Some(closed)) => self.finish(closed),
            (end, _) => self.end = end,
        }
    }

    /// A chunk has arrived. It is lost if the direction has come to its end.
    pub fn offer(&mut self, now: Duration, bytes: Bytes) {
        if self.end.is_none() {
            self.enter(Piece { arrived: now, due: now, bytes }, Stage::pass);
        }
    }

    fn enter(&mut self, piece: Piece, through: Through) {
        let Self { stages, queue, bytes, chance, end, touched, .. } = self;
        let mut out = Out { queue, bytes, chance, end, touched };
        pass(stages, piece, through, &mut out);
    }

    /// The sender has closed.
    pub fn finish(&mut self, now: Duration) {
        self.closed = Some(now);
        let delays = self.stages.iter().filter_map(|stage| match stage.effect {
            Effect::SlowClose(delay) => Some((stage.id, delay)),
            _ => None,
        });
        let mut delay = Duration::ZERO;
        for (id, longer) in delays {
            delay += longer;
            self.touched |= 1 << id;
        }
        let last = self.queue.back().map_or(now, |piece| piece.due.max(now));
        self.end.get_or_insert((last.saturating_add(delay), End::Finished));
    }

    /// What is to be done at `now`.
    pub fn next(&mut self, now: Duration) -> Next {
        let alarm = self.alarm();
        if let Some((at, id, ending)) = alarm
            && at <= now
        {
            return self.end_by(id, ending);
        }
        let alarm = alarm.map(|(at, ..)| at);
        let due = match (self.queue.front(), self.end) {
            (Some(piece), _) if piece.due <= now => return Next::Send,
            (Some(piece), _) => Some(piece.due),
            (None, Some((due, end))) if due <= now => {
                return match end {
                    End::Finished => Next::Finish,
                    End::By(id, ending) => self.end_by(id, ending),
                };
            }
            (None, end) => end.map(|(due, _)| due),
        };
        let due = due.filter(|due| *due < Duration::MAX);
        due.into_iter().chain(alarm).min().map_or(Next::Idle, Next::Wait)
    }

    fn end_by(&mut self, id: u8, ending: Ending) -> Next {
        self.touched |= 1 << id;
        if ending == Ending::HalfClosed { Next::Finish } else { Next::End(ending) }
    }

    /// The first piece.
    pub fn front(&self) -> &[u8] {
        self.queue.front().map_or(&[], |piece| &piece.bytes)
    }

    /// So many bytes of the first piece were sent.
    pub fn sent(&mut self, count: usize) {
        let Some(piece) = self.queue.front_mut() else { return };
        let count = count.min(piece.bytes.len());
        bytes::Buf::advance(&mut piece.bytes, count);
        self.bytes -= count;
        if piece.bytes.is_empty() {
            self.queue.pop_front();
        }
    }

    /// The first of the ends that come by time.
    fn alarm(&self) -> Option<(Duration, u8, Ending)> {
        let alarms = self.stages.iter().filter_map(|stage| match stage.effect {
            Effect::EndAfter(after, ending) => {
                Some((stage.since.saturating_add(after), stage.id, ending))
            }
            _ => None,
        });
        alarms.min_by_key(|(at, ..)| *at)
    }
}

/// Where pieces go that have passed all stages.
struct Out<'a> {
    queue: &'a mut VecDeque<Piece>,
    bytes: &'a mut usize,
    chance: &'a mut Chance,
    end: &'a mut Option<(Duration, End)>,
    touched: &'a mut u64,
}

/// What a stage does to a piece: hands on what becomes of it.
type Through = fn(&mut Stage, Piece, &mut [Stage], &mut Out<'_>);

fn pass(stages: &mut [Stage], piece: Piece, through: Through, out: &mut Out<'_>) {
    let Some((stage, rest)) = stages.split_first_mut() else {
        if out.end.is_none() {
            // A stage that has just begun must not let a piece overtake one from before it.
            let due = out.queue.back().map_or(piece.due, |last| piece.due.max(last.due));
            *out.bytes += piece.bytes.len();
            out.queue.push_back(Piece { due, ..piece });
        }
        return;
    };
    through(stage, piece, rest, out);
}

impl Stage {
    fn new(InForce { id, effect }: &InForce, now: Duration) -> Self {
        Self { id: *id, effect: effect.clone(), since: now, free: now, seen: 0 }
    }

    fn is(&self, other: &InForce) -> bool {
        self.id == other.id && self.effect == other.effect
    }

    /// Whether pieces wait for it.
    const fn holds_up(&self) -> bool {
        match self.effect {
            Effect::Latency(_) | Effect::Bandwidth(_) | Effect::Slicer { .. } | Effect::Hold => {
                true
            }
            Effect::Limit { .. }
            | Effect::Corruption(_)
            | Effect::Discard(_)
            | Effect::EndAfter(..)
            | Effect::SlowClose(_) => false,
        }
    }

    /// All that it does.
    fn pass(&mut self, mut piece: Piece, rest: &mut [Self], out: &mut Out<'_>) {
        match self.effect {
            Effect::Limit { bytes, then } => {
                let left = bytes.saturating_sub(self.seen);
                self.seen += piece.bytes.len() as u64;
                let is_over = piece.bytes.len() as u64 >= left;
                if is_over {
                    *out.touched |= 1 << self.id;
                    piece.bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                }
                let due = piece.due;
                if !piece.bytes.is_empty() {
                    pass(rest, piece, Self::pass, out);
                }
                if is_over {
                    let last = out.queue.back().map_or(due, |last| last.due.max(due));
                    out.end.get_or_insert((last, End::By(self.id, then)));
                }
            }
            Effect::Corruption(share) => {
                let mut bytes = BytesMut::from(piece.bytes);
                for byte in bytes.iter_mut() {
                    if out.chance.happens(share) {
                        *out.touched |= 1 << self.id;
                        // Never the byte that it was.
                        *byte ^= 1 << out.chance.between(0, 7);
                    }
                }
                let bytes = bytes.freeze();
                pass(rest, Piece { bytes, ..piece }, Self::pass, out);
            }
            Effect::Discard(after) => {
                let left = after.saturating_sub(self.seen);
                self.seen += piece.bytes.len() as u64;
                if piece.bytes.len() as u64 > left {
                    *out.touched |= 1 << self.id;
                    piece.bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                }
                if !piece.bytes.is_empty() {
                    pass(rest, piece, Self::pass, out);
                }
            }
            _ => self.delay(piece, rest, Self::pass, out),
        }
    }

    /// What it does to a piece that has passed it before.
    fn delay_again(&mut self, piece: Piece, rest: &mut [Self], out: &mut Out<'_>) {
        self.delay(piece, rest, Self::delay_again, out);
    }

    fn delay(&mut self, piece: Piece, rest: &mut [Self], on: Through, out: &mut Out<'_>) {
        if self.holds_up() {
            *out.touched |= 1 << self.id;
        }
        match self.effect {
            Effect::Latency(latency) => {
                let due = piece.due.saturating_add(latency.draw(out.chance));
                self.free = self.free.max(due);
                pass(rest, Piece { due: self.free, ..piece }, on, out);
            }
            Effect::Bandwidth(rate) => {
                let rate = rate.max(1);
                let portion = (rate as f64 * PORTION.as_secs_f64()) as usize;
                self.cut(piece, rest, on, out, |free, start, _, bytes| {
                    let count = bytes.min(portion.max(1));
                    let nanos = (count as u64).saturating_mul(1_000_000_000) / rate;
                    *free = start.max(*free).saturating_add(Duration::from_nanos(nanos));
                    (count, *free)
                });
            }
            Effect::Slicer { size, variation, delay } => {
                let spread = variation.min(size.saturating_sub(1));
                self.free = piece.due.max(self.free);
                self.cut(piece, rest, on, out, |free, _, chance, _| {
                    let count = chance.between(size - spread, size + spread);
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    let due = *free;
                    *free = free.saturating_add(delay);
                    (count.max(1), due)
                });
            }
            Effect::Hold => pass(rest, Piece { due: Duration::MAX, ..piece }, on, out),
            Effect::Limit { .. }
            | Effect::Corruption(_)
            | Effect::Discard(_)
            | Effect::EndAfter(..)
            | Effect::SlowClose(_) => pass(rest, piece, on, out),
        }
    }

    /// Hands on a piece in parts; `next` says how long each is and when it is due, by when the stage
    /// is free, when the piece came, chance, and how many bytes are left.
    fn cut(
        &mut self,
        piece: Piece,
        rest: &mut [Self],
        on: Through,
        out: &mut Out<'_>,
        mut next: impl FnMut(&mut Duration, Duration, &mut Chance, usize) -> (usize, Duration),
    ) {
        let Piece { arrived, due: start, mut bytes } = piece;
        while !bytes.is_empty() {
            let (count, due) = next(&mut self.free, start, out.chance, bytes.len());
            let part = bytes.split_to(count.min(bytes.len()));
            pass(rest, Piece { arrived, due, bytes: part }, on, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::chance::{Key, Purpose};
    use crate::model::distribution::Distribution;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn lane(effects: &[Effect]) -> Lane {
        let mut lane = Lane::new(Key::of_run(7, 0).draw(Purpose::Service));
        lane.change(Duration::ZERO, &in_force(effects));
        lane
    }

    fn in_force(effects: &[Effect]) -> Vec<InForce> {
        let own = |(id, effect): (u8, &Effect)| InForce { id, effect: effect.clone() };
        (0..).zip(effects).map(own).collect()
    }

    fn latency(count: u64) -> Effect {
        Effect::Latency(Distribution::constant(ms(count)))
    }

    /// Everything that comes out from now on, and when; and how it ends.
    fn drained(lane: &mut Lane, mut now: Duration) -> (Vec<(Duration, Vec<u8>)>, Next) {
        let mut came = Vec::new();
        loop {
            match lane.next(now) {
                Next::Send => {
                    came.push((now, lane.front().to_vec()));
                    lane.sent(lane.front().len());
                }
                Next::Wait(until) => {
                    assert!(until > now, "{until:?} has passed");
                    now = until;
                }
                last => return (came, last),
            }
        }
    }

    fn bytes(came: &[(Duration, Vec<u8>)]) -> Vec<u8> {
        came.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    #[test]
    fn without_effects_everything_comes_at_once() {
        let mut lane = lane(&[]);
        lane.offer(ms(3), Bytes::from_static(b"one"));
        lane.offer(ms(3), Bytes::from_static(b"two"));
        lane.finish(ms(3));
        let (came, end) = drained(&mut lane, ms(3));
        assert_eq!(came, [(ms(3), b"one".to_vec()), (ms(3), b"two".to_vec())]);
        assert_eq!((end, lane.take_touched()), (Next::Finish, 0));
    }

    #[test]
    fn a_latency_counts_from_the_arrival_however_many_are_on_their_way() {
        let mut lane = lane(&[latency(100)]);
        for _ in 0..64 {
            lane.offer(ms(5), Bytes::from_static(&[1; 1000]));
        }
        let (came, _) = drained(&mut lane, ms(5));
        assert_eq!(came.len(), 64);
        assert!(came.iter().all(|(at, _)| *at == ms(105)), "{:?}", came.last());
        assert_eq!(lane.take_touched(), 1);
    }

    #[test]
    fn a_bandwidth_is_held_to_the_byte_whatever_the_chunks() {
        for (rate, chunk, count) in [(1_000, 100, 20), (100_000, 65_536, 3), (7, 50, 1)] {
            let mut lane = lane(&[Effect::Bandwidth(rate)]);
            for _ in 0..count {
                lane.offer(ms(0), Bytes::from(vec![0; chunk]));
            }
            let (came, _) = drained(&mut lane, ms(0));
            let exact = (chunk * count) as f64 / rate as f64;
            let found = came.last().unwrap().0.as_secs_f64();
            assert!((found / exact - 1.0).abs() < 0.001, "{rate}: {found} s, not {exact}");
            assert_eq!(bytes(&came).len(), chunk * count);
        }
    }

    #[test]
    fn a_latency_takes_nothing_of_a_bandwidth() {
        let mut lane = lane(&[latency(500), Effect::Bandwidth(10_000)]);
        for at in 0..10 {
            lane.offer(ms(at * 100), Bytes::from(vec![0; 1_000]));
        }
        let (came, _) = drained(&mut lane, ms(900));
        // 1 s of bytes, and half a second later.
        assert_eq!(came.last().unwrap().0, ms(1_500));
    }

    #[test]
    fn jitter_never_changes_the_order_and_is_drawn_as_it_says() {
        let jitter = Distribution::uniform(ms(50), ms(150));
        let mut close = lane(&[Effect::Latency(jitter)]);
        for number in 0..200u8 {
            close.offer(ms(u64::from(number)), Bytes::copy_from_slice(&[number]));
        }
        let (came, _) = drained(&mut close, ms(200));
        assert_eq!(bytes(&came), (0..200).collect::<Vec<u8>>());
        // So far apart that none waits for another.
        let mut apart = lane(&[Effect::Latency(jitter)]);
        let mut delays = Vec::new();
        for number in 0..2_000 {
            let at = ms(number * 1_000);
            apart.offer(at, Bytes::from_static(b"x"));
            delays.push(drained(&mut apart, at).0[0].0.saturating_sub(at).as_secs_f64() * 1e3);
        }
        delays.sort_by(f64::total_cmp);
        let mean = delays.iter().sum::<f64>() / 2_000.0;
        assert!((mean - 100.0).abs() < 2.0, "{mean}");
        let quartiles = [delays[500], delays[1_500]];
        assert!((quartiles[0] - 75.0).abs() < 4.0 && (quartiles[1] - 125.0).abs() < 4.0);
        assert!(delays[0] >= 50.0 && delays[1_999] <= 150.0);
    }

    #[test]
    fn slices_are_as_large_and_as_far_apart_as_they_should_be() {
        let slicer = Effect::Slicer { size: 100, variation: 20, delay: ms(10) };
        let mut lane = lane(&[slicer]);
        let sent: Vec<u8> = (0..250).collect();
        lane.offer(ms(0), Bytes::from(sent.repeat(10)));
        let (came, _) = drained(&mut lane, ms(0));
        assert_eq!(bytes(&came), sent.repeat(10));
        for (number, (at, slice)) in came.iter().enumerate() {
            assert_eq!(*at, ms(10 * number as u64));
            let is_last = number + 1 == came.len();
            assert!((80..=120).contains(&slice.len()) || is_last, "{}", slice.len());
        }
    }

    #[test]
    fn a_limit_lets_so_many_bytes_through_and_then_ends() {
        let ends = [
            (Ending::HalfClosed, Next::Finish),
            (Ending::Closed, Next::End(Ending::Closed)),
            (Ending::Reset, Next::End(Ending::Reset)),
        ];
        for (then, expected) in ends {
            let mut lane = lane(&[Effect::Limit { bytes: 7, then }, latency(10)]);
            lane.offer(ms(0), Bytes::from_static(b"12345"));
            assert!(lane.has_room());
            lane.offer(ms(1), Bytes::from_static(b"67890"));
            assert!(!lane.has_room());
            lane.offer(ms(2), Bytes::from_static(b"lost"));
            lane.finish(ms(2));
            let (came, end) = drained(&mut lane, ms(2));
            assert_eq!((bytes(&came).as_slice(), end), (&b"1234567"[..], expected));
            assert_eq!(came.last().unwrap().0, ms(11));
        }
    }

    #[test]
    fn what_is_held_comes_when_the_line_is_back_and_what_is_discarded_never() {
        for (effect, expected) in
            [(Effect::Hold, &b"beforemiddle"[..]), (Effect::Discard(0), b"before")]
        {
            let mut lane = lane(&[]);
            lane.offer(ms(0), Bytes::from_static(b"before"));
            lane.change(ms(1), &in_force(&[effect]));
            lane.offer(ms(2), Bytes::from_static(b"middle"));
            let (came, end) = drained(&mut lane, ms(2));
            assert_eq!((bytes(&came).as_slice(), end), (&b"before"[..], Next::Idle));
            lane.change(ms(50), &[]);
            let (after, _) = drained(&mut lane, ms(50));
            assert_eq!([bytes(&came), bytes(&after)].concat(), expected);
            assert!(after.iter().all(|(at, _)| *at == ms(50)));
        }
    }

    #[test]
    fn what_waits_for_an_effect_that_is_over_comes_as_the_others_have_it() {
        let slow = Effect::Bandwidth(1_000);
        let mut lane = lane(&[latency(50), slow.clone()]);
        lane.offer(ms(0), Bytes::from(vec![0; 10_000]));
        lane.change(ms(30), &in_force(&[latency(50)]));
        let (came, _) = drained(&mut lane, ms(30));
        assert_eq!((bytes(&came).len(), came.last().unwrap().0), (10_000, ms(50)));
        // The other way round the line goes on with what is left, at its rate.
        lane.change(ms(100), &in_force(&[latency(50), slow.clone()]));
        lane.offer(ms(100), Bytes::from(vec![0; 1_000]));
        let alone = InForce { id: 1, effect: slow };
        lane.change(ms(120), &[alone]);
        let (came, _) = drained(&mut lane, ms(120));
        assert_eq!((bytes(&came).len(), came.last().unwrap().0), (1_000, ms(1_120)));
    }

    #[test]
    fn ends_come_by_time_whatever_is_on_its_way() {
        let mut lane = lane(&[latency(500), Effect::EndAfter(ms(200), Ending::Reset)]);
        lane.offer(ms(0), Bytes::from_static(b"never"));
        assert_eq!(lane.next(ms(0)), Next::Wait(ms(200)));
        assert_eq!(lane.next(ms(200)), Next::End(Ending::Reset));
        assert_eq!(lane.take_touched(), 0b11);
    }

    #[test]
    fn a_slow_close_is_late_and_nothing_else() {
        let mut lane = lane(&[Effect::SlowClose(ms(300))]);
        lane.offer(ms(0), Bytes::from_static(b"end"));
        lane.finish(ms(1));
        assert_eq!(lane.next(ms(1)), Next::Send);
        lane.sent(3);
        assert_eq!(lane.next(ms(1)), Next::Wait(ms(301)));
        assert_eq!(lane.next(ms(301)), Next::Finish);
    }

    #[test]
    fn a_sender_waits_when_too_much_is_on_its_way() {
        let mut lane = lane(&[Effect::Hold]);
        let mut taken = 0;
        while lane.has_room() {
            lane.offer(ms(0), Bytes::from(vec![0; 10_000]));
            taken += 10_000;
        }
        assert!((MOST_BYTES..MOST_BYTES + 10_000).contains(&taken));
    }

    proptest::proptest! {
        /// Whatever delays there are and however they change, what comes out is what went in.
        #[test]
        fn bytes_are_neither_lost_nor_invented_nor_out_of_order(
            steps in proptest::collection::vec((0u64..40, 0usize..600, 0usize..32), 1..60)
        ) {
            let all = [
                latency(70),
                Effect::Latency(Distribution::uniform(ms(0), ms(90))),
                Effect::Bandwidth(3_000),
                Effect::Slicer { size: 40, variation: 30, delay: ms(2) },
                Effect::Hold,
            ];
            let all = in_force(&all);
            let (mut lane, mut now) = (lane(&[]), ms(0));
            let (mut sent, mut came) = (Vec::new(), Vec::new());
            for (pause, length, which) in steps {
                now += ms(pause);
                while lane.next(now) == Next::Send {
                    came.extend_from_slice(lane.front());
                    lane.sent(lane.front().len());
                }
                let chosen = |(at, _): &(usize, &InForce)| which >> at & 1 == 1;
                let now_in_force: Vec<_> =
                    all.iter().enumerate().filter(chosen).map(|(_, effect)| effect.clone()).collect();
                lane.change(now, &now_in_force);
                if lane.has_room() {
                    let chunk: Vec<u8> = (0..length).map(|at| (sent.len() + at) as u8).collect();
                    sent.extend_from_slice(&chunk);
                    lane.offer(now, Bytes::from(chunk));
                }
            }
            lane.finish(now);
            lane.change(now, &[]);
            let (rest, end) = drained(&mut lane, now);
            came.extend(bytes(&rest));
            proptest::prop_assert_eq!(end, Next::Finish);
            proptest::prop_assert_eq!(came, sent);
        }
    }

    #[test]
    fn a_share_of_bytes_is_changed_and_none_is_lost() {
        let mut lane = lane(&[Effect::Corruption(0.1)]);
        lane.offer(ms(0), Bytes::from(vec![0; 100_000]));
        let (came, _) = drained(&mut lane, ms(0));
        let came = bytes(&came);
        let changed = came.iter().filter(|byte| **byte != 0).count();
        assert_eq!(came.len(), 100_000);
        assert!((9_500..10_500).contains(&changed), "{changed}");
    }
}
