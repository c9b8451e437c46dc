//! Faults of answers that come as events, at the client's end.

use std::time::Duration;

use crate::model::fault::{Cut, OnStream, Parting, Point, What};
use crate::model::operation::Operation;
use crate::scenario::reader::Table;

use super::network::{DAY, MOST_BYTES, bytes_a_second};
use super::{Kind, Wrongly};
use crate::model::fault::Scope;

/// Its kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "cut-stream",
        keys: &["point", "events", "parting"],
        read: |table| Some(cut(table)),
    },
    Kind { name: "hold-stream", keys: &["silence"], read: |table| Some(hold(table)) },
    Kind { name: "drip-stream", keys: &["rate"], read: drip },
];

/// The words of `point`.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    BeforeAnswer,
    AfterEvents,
    InEvent,
}

fn cut(table: &Table<'_>) -> What {
    let words = [
        ("before-answer", Word::BeforeAnswer),
        ("after-events", Word::AfterEvents),
        ("in-event", Word::InEvent),
    ];
    let doc = "Where a stream is cut.";
    let point = table.key("point", doc).word(&words, &[]);
    let point = point.or_as(Word::BeforeAnswer, "\"before-answer\"");
    let doc = "So many events pass before that.";
    let events = table.key("events", doc).count(0..=1_000_000).optional();
    if let (Word::BeforeAnswer, Some(place)) = (point, table.given("events")) {
        let found = "events without a point that counts them";
        let right = "add point = \"after-events\" or \"in-event\", or remove it";
        table.log().wrong(place, found, right);
    }
    if point == Word::AfterEvents && table.given("events").is_none() {
        let found = "a stream cut after events, and not after how many";
        table.log().wrong(table.place_of("point"), found, "add events = 1, or how many it is");
    }
    let events = events.unwrap_or_default();
    let point = match point {
        Word::BeforeAnswer => Point::BeforeAnswer,
        Word::AfterEvents => Point::AfterEvents(events),
        Word::InEvent => Point::InEvent(events),
    };
    What::Stream(OnStream::Cut(Cut { point, parting: parting(table) }))
}

/// How a client leaves a connection.
pub(super) fn parting(table: &Table<'_>) -> Parting {
    let words = [("reset", Parting::Reset), ("close", Parting::Closed)];
    let doc = "How the client leaves: with a reset (RST), or by closing (FIN).";
    table.key("parting", doc).word(&words, &[]).or_as(Parting::Reset, "\"reset\"")
}

fn hold(table: &Table<'_>) -> What {
    let doc = "How long nothing of a stream is read; without it to the end of the window.";
    let shortest = Duration::from_millis(1);
    let silence = table.key("silence", doc).duration(shortest..=DAY).optional();
    What::Stream(OnStream::Hold(silence))
}

fn drip(table: &Table<'_>) -> Option<What> {
    let doc = "What passes, as bytes a second.";
    let rate = table.key("rate", doc).read("a rate such as \"64kB/s\"", bytes_a_second);
    let rate = rate.required()?.min(MOST_BYTES);
    Some(What::Stream(OnStream::Drip(rate)))
}

/// Refuses what no answer that comes as events can be.
pub(super) fn refuse(scope: &Scope, kind: &str, wrong: Wrongly<'_>) {
    use Operation::{Cancelled, Delete, Initialized, Response};
    if let Some(none @ (Cancelled | Delete | Initialized | Response)) = scope.operation {
        let found = format!("{kind} acts on answers that come as events; {} has none", none.name());
        wrong(found, "match an operation that is answered, or leave operation out");
    }
}
